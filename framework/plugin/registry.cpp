// SPDX-License-Identifier: Apache-2.0
// The lists of plugins, layers, cells and ops, and the checks before one is taken in.
#include "plugin/registry.hpp"

#include <algorithm>
#include <deque>

#include <tempo/option.hpp>

#include "plugin/description.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

thread_local const tempo_registry* registering = nullptr;

std::deque<tempo_registry>& plugins() {
  static auto& all = *new std::deque<tempo_registry>;
  return all;
}

constexpr std::size_t most_of_a_kind = 1000;

// Not through the pointer: it may lead to the registry of an init that is over.
void require_now(const tempo_registry* registry, const char* function) {
  if (registry && registry == registering) return;
  throw PluginError(std::string(function) +
                    ": this registry is not that of an init that runs on this thread.\n  A plugin "
                    "registers during its init alone.");
}

template <class Type>
void require_new(const std::vector<const Type*>& mine, const std::string& what, const Type& type) {
  if (mine.size() == most_of_a_kind)
    throw PluginError(what + " `" + type.name + "`: the plugin has " +
                      std::to_string(most_of_a_kind) + " already, which is the most.");
  for (const Type* other : mine)
    if (std::string(other->name) == type.name) {
      if constexpr (requires { type.kind; })
        if (other->kind != type.kind) continue;
      throw PluginError(what + " `" + type.name + "` is registered twice.");
    }
}

[[noreturn]] void taken(const tempo_registry& mine, const std::string& what,
                        const std::string& name, const tempo_registry* by) {
  throw PluginError(
      "plugin " + mine.path + ": the name of its " + what + " `" + name + "` is already taken by " +
      (by ? "plugin `" + by->plugin + "` (" + by->path + ")" : "Tempo's own " + what) +
      ".\n  Load only one of them, or rename one.");
}

// The plugin for which `has` holds, or null.
template <class F>
const tempo_registry* plugin_with(F&& has) {
  for (const tempo_registry& p : plugins())
    if (has(p)) return &p;
  return nullptr;
}

template <class Type>
const tempo_registry* plugin_of(const Type& type, std::vector<const Type*> tempo_registry::*types) {
  return plugin_with([&](const tempo_registry& p) {
    return std::find(((p.*types)).begin(), (p.*types).end(), &type) != (p.*types).end();
  });
}

template <class Type>
std::string named(const Type& type, std::vector<const Type*> tempo_registry::*types) {
  const ProcessLock lock(ProcessLock::registry);
  const tempo_registry* plugin = plugin_of(type, types);
  return type.name + (plugin ? " of plugin `" + plugin->plugin + "`" : std::string());
}

const tempo_layer_type* type_in(const tempo_registry& plugin, uint32_t kind,
                                const std::string& name) {
  for (const tempo_layer_type* type : plugin.layers)
    if (type->kind == kind && type->name == name) return type;
  return nullptr;
}

bool has_op(const tempo_registry& plugin, const std::string& name) {
  return std::any_of(plugin.ops.begin(), plugin.ops.end(),
                     [&](const tempo_op_type* op) { return op->name == name; });
}

}  // namespace

Registering::Registering(const tempo_registry& registry) : innermost_(registering, &registry) {}

void add(tempo_registry* registry, const tempo_layer_type* type) {
  require_now(registry, "register_layer");
  require_registrable(type);
  require_new(registry->layers, sdk::kind_of(*type), *type);
  registry->layers.push_back(&kept(*type));
}

void add(tempo_registry* registry, const tempo_op_type* type) {
  require_now(registry, "register_op");
  require_registrable(type);
  require_new(registry->ops, "op", *type);
  registry->ops.push_back(&kept(*type));
}

void commit(tempo_registry registry) {
  const ProcessLock lock(ProcessLock::registry);
  for (const tempo_layer_type* type : registry.layers)
    if (const auto* other =
            plugin_with([&](const auto& p) { return type_in(p, type->kind, type->name); }))
      taken(registry, sdk::kind_of(*type), type->name, other);
  for (const tempo_op_type* op : registry.ops)
    if (find_op(op->name))
      taken(registry, "op", op->name,
            plugin_with([&](const auto& p) { return has_op(p, op->name); }));
  for (const tempo_op_type* op : registry.ops) define_plugin_op(*op);
  plugins().push_back(std::move(registry));
}

const tempo_layer_type* find_type(uint32_t kind, const std::string& name) {
  const ProcessLock lock(ProcessLock::registry);
  for (const tempo_registry& p : plugins())
    if (const tempo_layer_type* type = type_in(p, kind, name)) return type;
  return nullptr;
}

std::vector<std::string> type_names(uint32_t kind) {
  const ProcessLock lock(ProcessLock::registry);
  std::vector<std::string> names;
  for (const tempo_registry& p : plugins())
    for (const tempo_layer_type* type : p.layers)
      if (type->kind == kind) names.push_back(type->name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<tempo_registry> loaded_plugins() {
  const ProcessLock lock(ProcessLock::registry);
  return {plugins().begin(), plugins().end()};
}

std::string with_plugin(const tempo_layer_type& type) {
  return named(type, &tempo_registry::layers);
}
std::string with_plugin(const tempo_op_type& type) { return named(type, &tempo_registry::ops); }

}  // namespace tempo
