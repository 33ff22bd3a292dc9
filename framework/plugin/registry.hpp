// SPDX-License-Identifier: Apache-2.0
// What is registered: layers, cells and ops by name, and which plugin each came from.
#pragma once

#include <string>
#include <vector>

#include "plugin/layer.hpp"

/// A plugin and what it registers during its init; nothing counts before the init has succeeded.
struct tempo_registry {
  std::string plugin, version, path;
  std::vector<const tempo_layer_type*> layers;
  std::vector<const tempo_op_type*> ops;
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
/// Takes all of it or, when a name is taken, nothing.
void commit(tempo_registry registry);

/// The type of that kind and name, or null.
const tempo_layer_type* find_type(uint32_t kind, const std::string& name);
std::vector<std::string> type_names(uint32_t kind);
/// All plugins, in the order in which they were loaded.
std::vector<tempo_registry> loaded_plugins();
/// "LSTM of plugin `lstm`"; "LSTM" where a script has it.
std::string with_plugin(const tempo_layer_type& type);
std::string with_plugin(const tempo_op_type& type);

/// Defines a plugin's op: its C callbacks as type rule, kernel and vjp.
void define_plugin_op(const tempo_op_type& type);

}  // namespace tempo
