// SPDX-License-Identifier: Apache-2.0
// The loader, as scripts see it.
#include <tempo/load.hpp>

#include "plugin/loader.hpp"

namespace tempo {

void load_plugin(const std::string& path) { load_plugin_file(path); }

PluginList all_plugins() {
  PluginList list{{}, load_installed()};
  const std::vector<std::string>& others = load_plugin_path();
  list.failures.insert(list.failures.end(), others.begin(), others.end());
  for (tempo_registry& p : loaded_plugins())
    list.plugins.push_back({p.plugin, p.version, p.path, p.layers, p.ops});
  return list;
}

}  // namespace tempo
