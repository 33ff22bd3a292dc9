// What is registered: layers and cells by name, and which plugin each came from.
#pragma once

#include "plugin/layer.hpp"

#include <string>
#include <vector>

/// What a plugin registers during its init; nothing counts before the init has succeeded.
struct tempo_registry {
  std::string plugin, path;
  std::vector<const tempo_layer_type*> layers;
  std::vector<const tempo_op_type*> ops;
};

namespace tempo {

struct RegisteredType {
  const tempo_layer_type* type;
  std::string plugin, path;  // empty where a script registered it
};

/// Takes all of it or, when a name is taken, nothing.
void commit(const tempo_registry& registry);
/// The type of that kind and name, or null.
const RegisteredType* find_type(uint32_t kind, const std::string& name);
/// All of them, by name.
std::vector<RegisteredType> all_types();

/// Defines a plugin's op: its C callbacks as type rule, kernel and vjp.
void define_plugin_op(const tempo_op_type& type);

}  // namespace tempo
