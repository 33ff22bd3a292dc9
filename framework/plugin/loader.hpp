// SPDX-License-Identifier: Apache-2.0
// Finds the file of a name (finding.cpp), and loads the plugin of a file (loader.cpp, the sole user
// of dlopen).
#pragma once

#include "plugin/registry.hpp"

namespace tempo {

/// Where to search for a name that is not loaded: in the folder of installed plugins, or further.
enum class Search { installed, everywhere };  // everywhere: TEMPO_PLUGIN_PATH too

/// The registered type; loads files that may have it. Throws PluginError, with the nearest name, if
/// none has.
const tempo_layer_type& require_type(uint32_t kind, const std::string& name, Search search);
/// The folder of the installed plugins: beside libtempo, or TEMPO_PLUGIN_FOLDER. A program that
/// runs with more rights than its user has reads no variable that names plugins.
std::string plugin_folder();
/// The files that load_installed and load_plugin_path load.
std::vector<std::string> plugin_files();
/// Loads all installed plugins; returns the texts of the failures.
std::vector<std::string> load_installed();
/// Loads all of TEMPO_PLUGIN_PATH once, in sorted order; returns the texts of the failures.
const std::vector<std::string>& load_plugin_path();

/// Loads one plugin; does nothing if the file is loaded already. Each reason to fail has its own
/// sentence. Plugins are never unloaded.
void load_plugin_file(const std::string& path);
/// The same; afterwards only files that are named are loaded.
void load_only(const std::string& path);
/// The path of libtempo.
std::string library_path();

}  // namespace tempo
