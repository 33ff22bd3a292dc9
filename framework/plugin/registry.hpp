// SPDX-License-Identifier: Apache-2.0
// What is registered: layers, cells, ops and functions by name, and which plugin each came from.
// `Name` of plugin `plugin` is `plugin.Name`, and `Name` where nothing else has that name; Tempo's
// own, of several files, are of the plugin `tempo`, and keep their short names.
#pragma once

#include <string>
#include <vector>

#include "plugin/layer.hpp"

/// A plugin and what it registers during its init; nothing counts before the init has succeeded.
struct tempo_registry {
  std::string plugin, version, path;
  std::vector<const tempo_layer_type*> layers;
  std::vector<const tempo_op_type*> ops;
  struct Function {
    uint32_t kind;
    const tempo_function_type* type;
  };
  std::vector<Function> functions = {};
  const void* (*get_extension)(void* user, const char* id) = nullptr;
  void* user = nullptr;
};

namespace tempo {

/// While one lives, an init runs on this thread that registers into this registry and no other.
class Registering {
 public:
  explicit Registering(const tempo_registry& registry);

 private:
  Scoped<const tempo_registry*> innermost_;
};

/// Takes a description in, or says what is wrong with it; `registry` must be that of the init that
/// runs.
void add(tempo_registry* registry, const tempo_layer_type* type);
void add(tempo_registry* registry, const tempo_op_type* type);
void add(tempo_registry* registry, uint32_t kind, const void* type);
/// Takes all of it or, when a whole name is taken, nothing. A sentence about each of its names that
/// Tempo has, too: it is found by its whole name alone.
std::vector<std::string> commit(tempo_registry registry);

inline constexpr const char* own_plugin = "tempo";
/// "org.my.Name" as "org.my" and "Name"; the first is "" for a short name.
std::pair<std::string, std::string> parts_of_name(const std::string& name);

/// The type of that kind and name, or null. Throws PluginError for a short name that two plugins
/// have.
const tempo_layer_type* find_type(uint32_t kind, const std::string& name);
/// Likewise; Tempo's own come first.
const tempo_op* find_op_named(const std::string& name);
const tempo_function_type* find_function_type(uint32_t kind, const std::string& name);
/// Short where that is enough.
std::vector<std::string> type_names(uint32_t kind);
std::vector<std::string> function_names(uint32_t kind);
/// "initializer"
const char* name_of_kind(uint32_t kind);
/// Tempo's own functions of a kind, which other files list: `names` is kept.
bool tell_own_names(uint32_t kind, std::vector<std::string> (*names)());

/// Of whose name and version a type is; null: a program's own.
const tempo_registry* plugin_of(const tempo_layer_type& type);
/// The plugin of that name, or null.
const tempo_registry* plugin_named(const std::string& name);
/// All plugins, in the order in which they were loaded.
std::vector<tempo_registry> loaded_plugins();
/// "LSTM of plugin `lstm`"; "LSTM" where a script has it.
std::string with_plugin(const tempo_layer_type& type);
std::string with_plugin(const tempo_op_type& type);

/// Defines a plugin's op under its whole name: its C callbacks as type rule, kernel and vjp.
void define_plugin_op(const tempo_op_type& type, const std::string& name);

}  // namespace tempo
