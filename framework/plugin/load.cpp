// SPDX-License-Identifier: Apache-2.0
// The loader's functions for scripts.
#include <tempo/load.hpp>

#include "plugin/layer_callback.hpp"
#include "plugin/loader.hpp"

namespace tempo {

void load_plugin(const std::string& path) { load_plugin_file(path); }

namespace {
std::vector<PluginContents::Function> functions_of(const tempo_registry& registry) {
  std::vector<PluginContents::Function> out;
  for (const tempo_registry::Function& f : registry.functions)
    out.push_back({name_of_kind(f.kind), f.type});
  return out;
}
}  // namespace

PluginList all_plugins() {
  PluginList list{{}, load_installed()};
  const std::vector<std::string>& others = load_plugin_path();
  list.failures.insert(list.failures.end(), others.begin(), others.end());
  for (tempo_registry& p : loaded_plugins())
    list.plugins.push_back({p.plugin, p.version, p.path, p.layers, p.ops, functions_of(p)});
  return list;
}

const void* plugin_extension(const std::string& plugin, const char* id) {
  const tempo_registry* const its = plugin_named(plugin);
  if (!its) throw PluginError("plugin_extension: no plugin `" + plugin + "` is loaded.");
  if (!id) return nullptr;
  return extension(its->get_extension, its->user, id, [&] {
    return Callee{"get_extension", "plugin `" + plugin + "`", {plugin, plugin}};
  });
}

}  // namespace tempo
