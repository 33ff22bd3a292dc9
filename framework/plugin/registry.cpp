// SPDX-License-Identifier: Apache-2.0
// The lists of plugins, layers, cells, ops and functions, and the checks before one is added.
#include "plugin/registry.hpp"

#include <algorithm>
#include <deque>

#include <tempo/option.hpp>

#include "plugin/description.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

thread_local const tempo_registry* registering = nullptr;

// Its elements are never moved or removed: pointers into them are given out.
std::deque<tempo_registry>& plugins() {
  static auto& all = *new std::deque<tempo_registry>;
  return all;
}

constexpr std::size_t most_of_a_kind = 1000;

// Does not read through the pointer: it may be left over from an init that has ended.
void require_now(const tempo_registry* registry, const char* function) {
  if (registry && registry == registering) return;
  throw PluginError(std::string(function) +
                    ": this registry is not that of an init that runs on this thread.\n  A plugin "
                    "registers during its init alone.");
}

// The type of this kind and name in a plugin; null if there is none.
const tempo_layer_type* layer_in(const tempo_registry& plugin, uint32_t kind,
                                 const std::string& name) {
  for (const tempo_layer_type* type : plugin.layers)
    if (type->kind == kind && type->name == name) return type;
  return nullptr;
}
const tempo_op_type* op_in(const tempo_registry& plugin, const std::string& name) {
  for (const tempo_op_type* type : plugin.ops)
    if (type->name == name) return type;
  return nullptr;
}
const tempo_function_type* function_in(const tempo_registry& plugin, uint32_t kind,
                                       const std::string& name) {
  for (const tempo_registry::Function& f : plugin.functions)
    if (f.kind == kind && f.type->name == name) return f.type;
  return nullptr;
}

template <class All>
void require_new(const All& mine, bool is_there, const std::string& what, const char* name) {
  if (mine.size() == most_of_a_kind)
    throw PluginError(what + " `" + name + "`: the plugin has " + std::to_string(most_of_a_kind) +
                      " already, which is the most.");
  if (is_there) throw PluginError(what + " `" + name + "` is registered twice.");
}

[[noreturn]] void two_have(const std::string& what, const std::string& name,
                           const tempo_registry& a, const tempo_registry& b) {
  throw PluginError("the " + what + " `" + name + "` is not one alone: the plugins `" + a.plugin +
                    "` and `" + b.plugin + "` have it.\n  Say which: `" + a.plugin + "." + name +
                    "` or `" + b.plugin + "." + name + "`.");
}

// The type that `in` finds under a whole or short name; null if there is none.
template <class In>
auto found(const std::string& what, const std::string& name, In&& in)
    -> decltype(in(plugins().front(), name)) {
  const auto& [plugin, inner] = parts_of_name(name);
  decltype(in(plugins().front(), name)) first = nullptr;
  const tempo_registry *its = nullptr, *other = nullptr;
  const ProcessLock lock(ProcessLock::registry);
  for (const tempo_registry& p : plugins()) {
    if (!plugin.empty() && p.plugin != plugin) continue;
    const auto here = in(p, inner);
    if (!here) continue;
    if (!plugin.empty() || p.plugin == own_plugin) return here;
    if (first)
      other = &p;
    else
      first = here, its = &p;
  }
  if (other) two_have(what, name, *its, *other);
  return first;
}

// The first plugin for which `has` holds; null if there is none.
template <class F>
const tempo_registry* plugin_with(F&& has) {
  for (const tempo_registry& p : plugins())
    if (has(p)) return &p;
  return nullptr;
}

const char* kind_named(uint32_t kind) { return kind == TEMPO_CELL ? "cell" : "layer"; }

using OwnNames = std::vector<std::string> (*)();
OwnNames& own_names(uint32_t kind) {
  static OwnNames all[TEMPO_OPTIMIZER + 1] = {};
  return all[kind];
}
bool is_own(uint32_t kind, const std::string& name) {
  if (!own_names(kind)) return false;
  const std::vector<std::string> all = own_names(kind)();
  return std::find(all.begin(), all.end(), name) != all.end();
}

// Calls f(kind as a word, name, whether another registry has it) for each type in `mine`.
template <class F>
void for_each_name(const tempo_registry& mine, F&& f) {
  for (const tempo_layer_type* t : mine.layers)
    f(std::string(kind_named(t->kind)), std::string(t->name),
      [t](const tempo_registry& other) { return layer_in(other, t->kind, t->name) != nullptr; });
  for (const tempo_op_type* t : mine.ops)
    f(std::string("op"), std::string(t->name),
      [t](const tempo_registry& other) { return op_in(other, t->name) != nullptr; });
  for (const tempo_registry::Function& t : mine.functions)
    f(std::string(name_of_kind(t.kind)), std::string(t.type->name),
      [&t](const tempo_registry& other) {
        return function_in(other, t.kind, t.type->name) != nullptr;
      });
}

// Two files may belong to one plugin, but no name may occur in both.
void require_free(const tempo_registry& mine) {
  for_each_name(mine, [&](const std::string& what, const std::string& name, auto&& in) {
    const tempo_registry* const other =
        plugin_with([&](const tempo_registry& p) { return p.plugin == mine.plugin && in(p); });
    if (other)
      throw PluginError("plugin " + mine.path + ": the name of its " + what + " `" + mine.plugin +
                        "." + name + "` is already taken by plugin `" + other->plugin + "` (" +
                        other->path + ").\n  Load only one of them, or rename one.");
  });
}

std::vector<std::string> shared_names(const tempo_registry& mine) {
  std::vector<std::string> out;
  if (mine.plugin == own_plugin) return out;
  for_each_name(mine, [&](const std::string& what, const std::string& name, auto&& in) {
    bool own =
        plugin_with([&](const tempo_registry& p) { return p.plugin == own_plugin && in(p); }) ||
        (what == "op" && find_op(name));
    for (uint32_t kind = TEMPO_INITIALIZER; kind <= TEMPO_OPTIMIZER; ++kind)
      own |= what == name_of_kind(kind) && is_own(kind, name);
    if (own)
      out.push_back("plugin " + mine.path + ": its " + what + " `" + name +
                    "` has the name of one of Tempo's; it is found as `" + mine.plugin + "." +
                    name + "` alone.");
  });
  return out;
}

template <class Type>
std::string named(const Type& type, std::vector<const Type*> tempo_registry::*types) {
  const ProcessLock lock(ProcessLock::registry);
  const tempo_registry* plugin = plugin_with([&](const tempo_registry& p) {
    return std::find((p.*types).begin(), (p.*types).end(), &type) != (p.*types).end();
  });
  return type.name + (plugin ? " of plugin `" + plugin->plugin + "`" : std::string());
}

}  // namespace

Registering::Registering(const tempo_registry& registry) : innermost_(registering, &registry) {}

void add(tempo_registry* registry, const tempo_layer_type* type) {
  require_now(registry, "register_layer");
  require_registrable(type);
  require_new(registry->layers, layer_in(*registry, type->kind, type->name), sdk::kind_of(*type),
              type->name);
  registry->layers.push_back(&kept(*type));
}

void add(tempo_registry* registry, const tempo_op_type* type) {
  require_now(registry, "register_op");
  require_registrable(type);
  require_new(registry->ops, op_in(*registry, type->name), "op", type->name);
  registry->ops.push_back(&kept(*type));
}

void add(tempo_registry* registry, uint32_t kind, const void* type) {
  require_now(registry, "register_type");
  if (kind > TEMPO_OPTIMIZER)
    throw PluginError("register_type: there is no kind with the number " + std::to_string(kind) +
                      ".");
  const auto* const function = static_cast<const tempo_function_type*>(type);
  require_registrable(kind, function);
  require_new(registry->functions, function_in(*registry, kind, function->name), name_of_kind(kind),
              function->name);
  registry->functions.push_back({kind, &kept(*function)});
}

std::vector<std::string> commit(tempo_registry registry) {
  const ProcessLock lock(ProcessLock::registry);
  require_free(registry);
  const std::vector<std::string> notes = shared_names(registry);
  for (const tempo_op_type* op : registry.ops)
    define_plugin_op(*op, registry.plugin + "." + op->name);
  plugins().push_back(std::move(registry));
  return notes;
}

std::pair<std::string, std::string> parts_of_name(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return {"", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

const tempo_layer_type* find_type(uint32_t kind, const std::string& name) {
  return found(kind_named(kind), name, [kind](const tempo_registry& p, const std::string& inner) {
    return layer_in(p, kind, inner);
  });
}

const tempo_op* find_op_named(const std::string& name) {
  const auto& [plugin, inner] = parts_of_name(name);
  if (plugin.empty() || plugin == own_plugin)
    if (const tempo_op* own = find_op(inner)) return own;
  if (!plugin.empty()) return find_op(name);
  std::string whole;
  found("op", name, [&whole](const tempo_registry& p, const std::string& short_name) {
    const tempo_op_type* const its = op_in(p, short_name);
    if (its) whole = p.plugin + "." + short_name;
    return its;
  });
  return whole.empty() ? nullptr : find_op(whole);
}

const tempo_function_type* find_function_type(uint32_t kind, const std::string& name) {
  return found(name_of_kind(kind), name, [kind](const tempo_registry& p, const std::string& inner) {
    return function_in(p, kind, inner);
  });
}

std::vector<std::string> type_names(uint32_t kind) {
  const ProcessLock lock(ProcessLock::registry);
  std::vector<std::string> names;
  for (const tempo_registry& p : plugins())
    for (const tempo_layer_type* type : p.layers) {
      if (type->kind != kind) continue;
      const bool others = plugin_with([&](const tempo_registry& other) {
        return other.plugin != p.plugin && layer_in(other, kind, type->name);
      });
      names.push_back(others && p.plugin != own_plugin ? p.plugin + "." + type->name : type->name);
    }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> function_names(uint32_t kind) {
  const ProcessLock lock(ProcessLock::registry);
  std::vector<std::string> names;
  for (const tempo_registry& p : plugins())
    for (const tempo_registry::Function& f : p.functions)
      if (f.kind == kind) names.push_back(p.plugin + "." + f.type->name);
  std::sort(names.begin(), names.end());
  return names;
}

const char* name_of_kind(uint32_t kind) {
  static const char* const names[] = {"initializer", "activation", "loss", "metric", "optimizer"};
  return names[kind];
}

bool tell_own_names(uint32_t kind, std::vector<std::string> (*names)()) {
  own_names(kind) = names;
  return true;
}

std::vector<tempo_registry> loaded_plugins() {
  const ProcessLock lock(ProcessLock::registry);
  return {plugins().begin(), plugins().end()};
}

const tempo_registry* plugin_of(const tempo_layer_type& type) {
  const ProcessLock lock(ProcessLock::registry);
  return plugin_with([&](const tempo_registry& p) {
    return std::find(p.layers.begin(), p.layers.end(), &type) != p.layers.end();
  });
}
const tempo_registry* plugin_named(const std::string& name) {
  const ProcessLock lock(ProcessLock::registry);
  return plugin_with([&](const tempo_registry& p) { return p.plugin == name; });
}

std::string with_plugin(const tempo_layer_type& type) {
  return named(type, &tempo_registry::layers);
}
std::string with_plugin(const tempo_op_type& type) { return named(type, &tempo_registry::ops); }

}  // namespace tempo
