// SPDX-License-Identifier: Apache-2.0
// From a name to a file (finding.cpp) and from a file to a plugin (loader.cpp, the sole user of
// dlopen).
#pragma once

#include "plugin/registry.hpp"

namespace tempo {

/// Where a name may be looked for beyond what is loaded and the install's own plugin folder.
enum class Search { installed, everywhere };  // everywhere: TEMPO_PLUGIN_PATH too

/// The registered type, loading what may hold it; a PluginError with the nearest name if nothing
/// does.
const tempo_layer_type& require_type(uint32_t kind, const std::string& name, Search search);
/// The folder of the installed plugins: beside libtempo, or TEMPO_PLUGIN_FOLDER. A program that
/// runs with more rights than its user has reads no variable that names plugins.
std::string plugin_folder();
/// The files that these two load.
std::vector<std::string> plugin_files();
/// Loads all installed plugins; the failures, as texts.
std::vector<std::string> load_installed();
/// Loads TEMPO_PLUGIN_PATH, once, whole, in sorted order; the failures, as texts.
const std::vector<std::string>& load_plugin_path();

/// Loads one plugin; does nothing when that file is loaded already. Every way to fail has its own
/// sentence. Never unloaded.
void load_plugin_file(const std::string& path);
/// The same; from now on no file is loaded that is not named.
void load_only(const std::string& path);
/// Where libtempo lies.
std::string library_path();

}  // namespace tempo
