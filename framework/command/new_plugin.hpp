// SPDX-License-Identifier: Apache-2.0
// The plugins of examples/plugins as texts, from which `tempo new` makes new ones.
#pragma once

#include <vector>

namespace tempo::command {

struct ExampleFile {
  const char* name;
  const char* text;
};
struct PluginExample {
  const char* name;  ///< the name of its folder
  std::vector<ExampleFile> files;
};
/// Sorted by name. CMake generates their source.
const std::vector<PluginExample>& plugin_examples();

}  // namespace tempo::command
