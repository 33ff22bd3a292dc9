// SPDX-License-Identifier: Apache-2.0
// The plugins of examples/plugins as texts, of which `tempo new` makes another one's beginning.
#pragma once

#include <vector>

namespace tempo::command {

struct ExampleFile {
  const char* name;
  const char* text;
};
struct PluginExample {
  const char* name;  ///< of its folder
  std::vector<ExampleFile> files;
};
/// In the order of their names. CMake writes their source.
const std::vector<PluginExample>& plugin_examples();

}  // namespace tempo::command
