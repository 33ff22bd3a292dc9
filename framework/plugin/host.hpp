// SPDX-License-Identifier: Apache-2.0
// The host table's parts, and what they share: structs of plugin.h on one side, the framework's
// types on the other.
#pragma once

#include <algorithm>
#include <cstring>

#include <tempo/plugin.h>
#include <tempo/tensor.hpp>

#include "graph/value.hpp"

namespace tempo {

/// Each sets the functions of its part of the table.
void add_tensor_functions(tempo_host& table);
void add_layer_functions(tempo_host& table);

/// What the caller knows of a struct; the rest is 0.
template <class Struct>
Struct whole(const Struct& given) {
  if (given.size == sizeof given) return given;
  Struct all{};
  std::memcpy(&all, &given, std::min<std::size_t>(given.size, sizeof all));
  all.size = sizeof all;
  return all;
}
/// Fills in what the caller has room for.
template <class Struct>
void show(const Struct& seen, Struct* room) {
  if (room->size == sizeof seen)
    *room = seen;
  else
    std::memcpy(room, &seen, std::min<std::size_t>(room->size, sizeof seen));
}

/// What makes a type from the other side impossible, as a sentence; "" for nothing. An automatic
/// dtype is possible.
std::string fault_of(const tempo_type& type);
/// A type that can be; the default dtype in place of an automatic one.
TensorType type_of(const tempo_type& type);
/// Gives the caller a count of each.
void hand_over(std::vector<Ref<Value>> from, tempo_tensor** to);
void hand_over(const Tensors& from, tempo_tensor** to);

}  // namespace tempo
