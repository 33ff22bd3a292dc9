// SPDX-License-Identifier: Apache-2.0
// Plugins as files: loading one, and listing what there is.
#pragma once

#include <string>
#include <vector>

#include <tempo/error.hpp>
#include <tempo/plugin.h>

namespace tempo TEMPO_HIDDEN {

/// Loads the plugin in that file, for as long as the process lives; its layers, cells and ops are
/// then found by their names. Does nothing when it is loaded already. Several threads may load;
/// plugins come in one after the other. Throws PluginError.
TEMPO_API void load_plugin(const std::string& path);

/// A plugin that is loaded, with the descriptions of all it has.
struct PluginContents {
  std::string name, version, path;
  std::vector<const tempo_layer_type*> layers;  ///< and cells
  std::vector<const tempo_op_type*> ops;
  struct Function {
    std::string kind;  ///< "activation"
    const tempo_function_type* type;
  };
  std::vector<Function> functions = {};
};

struct PluginList {
  std::vector<PluginContents> plugins;  ///< in the order in which they were loaded
  std::vector<std::string> failures;    ///< what was said of each that could not be loaded
};

/// Loads the installed plugins and those of TEMPO_PLUGIN_PATH, and lists them beside those that
/// were loaded before.
TEMPO_API PluginList all_plugins();

/// What a loaded plugin offers under this id, "vendor.thing/1"; null: nothing. Programs and plugins
/// that know the id know what it points to.
TEMPO_API const void* plugin_extension(const std::string& plugin, const char* id);

}  // namespace tempo
