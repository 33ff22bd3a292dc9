// SPDX-License-Identifier: Apache-2.0
// The registered layers, cells, ops and functions by name, and their plugins. `Name` of plugin
// `plugin` is `plugin.Name`, or just `Name` if no other plugin has that name. Tempo's own files are
// all of plugin `tempo`, and their names stay short.
#pragma once

#include <string>
#include <vector>

#include "plugin/layer.hpp"

/// A plugin and what its init registers; nothing counts before the init has succeeded.
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

/// While one exists, an init runs on this thread that registers into this registry alone.
class Registering {
 public:
  explicit Registering(const tempo_registry& registry);

 private:
  Scoped<const tempo_registry*> innermost_;
};

/// Adds a description, or throws what is wrong with it; `registry` must be that of the init that is
/// running.
void add(tempo_registry* registry, const tempo_layer_type* type);
void add(tempo_registry* registry, const tempo_op_type* type);
void add(tempo_registry* registry, uint32_t kind, const void* type);
/// Adds all of it or, if a whole name is taken, nothing. Returns a sentence for each of its names
/// that Tempo has, too: that type is found only by its whole name.
std::vector<std::string> commit(tempo_registry registry);

inline constexpr const char* own_plugin = "tempo";
/// Splits "org.my.Name" into "org.my" and "Name"; the first is "" for a short name.
std::pair<std::string, std::string> parts_of_name(const std::string& name);

/// The type of this kind and name, or null. Throws PluginError for a short name that two plugins
/// have.
const tempo_layer_type* find_type(uint32_t kind, const std::string& name);
/// The same for ops and functions; Tempo's own take precedence.
const tempo_op* find_op_named(const std::string& name);
const tempo_function_type* find_function_type(uint32_t kind, const std::string& name);
/// All names, short ones if they are unambiguous.
std::vector<std::string> type_names(uint32_t kind);
std::vector<std::string> function_names(uint32_t kind);
/// The kind as a word: "initializer".
const char* name_of_kind(uint32_t kind);
/// Sets the function that lists Tempo's own functions of a kind: `names` is kept.
bool tell_own_names(uint32_t kind, std::vector<std::string> (*names)());

/// The plugin of a type; null for a program's own type.
const tempo_registry* plugin_of(const tempo_layer_type& type);
/// The plugin of this name, or null.
const tempo_registry* plugin_named(const std::string& name);
/// All plugins, in the order in which they were loaded.
std::vector<tempo_registry> loaded_plugins();
/// "LSTM of plugin `lstm`"; just "LSTM" for a script's own type.
std::string with_plugin(const tempo_layer_type& type);
std::string with_plugin(const tempo_op_type& type);

/// Defines a plugin's op under its whole name; its C callbacks are type rule, kernel and vjp.
void define_plugin_op(const tempo_op_type& type, const std::string& name);

}  // namespace tempo
