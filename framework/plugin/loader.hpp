// Finding and loading plugins. The sole user of dlopen.
#pragma once

#include "plugin/registry.hpp"

namespace tempo {

/// Where a name may be looked for beyond what is loaded and the install's own plugin folder.
enum class Search { installed, everywhere };  // everywhere: TEMPO_PLUGIN_PATH too

/// Loads one plugin; does nothing when that file is loaded already. Every way to fail has its own
/// sentence. Never unloaded.
void load_plugin_file(const std::string& path);
/// The registered type, loading what may hold it; a PluginError with the nearest names if nothing does.
const tempo_layer_type& require_type(uint32_t kind, const std::string& name, Search search);
/// The folder of the installed plugins: beside libtempo, or TEMPO_PLUGIN_FOLDER.
std::string plugin_folder();
/// Loads all installed plugins (for listing); failures are returned as texts.
std::vector<std::string> load_installed();

}  // namespace tempo
