// SPDX-License-Identifier: Apache-2.0
// Loads plugins from files, and lists those that are loaded.
#pragma once

#include <string>
#include <vector>

#include <tempo/error.hpp>
#include <tempo/plugin.h>

namespace tempo TEMPO_HIDDEN {

/// Loads the plugin in this file for as long as the process lives; its layers, cells and ops are
/// then found by name. Does nothing if it is loaded already. Several threads may call it; plugins
/// are then loaded one after the other. Throws PluginError.
TEMPO_API void load_plugin(const std::string& path);

/// A loaded plugin, with the descriptions of all that it has.
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
  std::vector<std::string> failures;    ///< the message of each plugin that could not be loaded
};

/// Loads the installed plugins and those of TEMPO_PLUGIN_PATH, and lists them with those that were
/// loaded before.
TEMPO_API PluginList all_plugins();

/// The extension of a loaded plugin under this id, "vendor.thing/1"; null if there is none.
/// Programs and plugins that know the id know what it points to.
TEMPO_API const void* plugin_extension(const std::string& plugin, const char* id);

}  // namespace tempo
