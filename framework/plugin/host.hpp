// SPDX-License-Identifier: Apache-2.0
// The parts of the host table and the code that they share: structs of plugin.h on one side, the
// framework's types on the other.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include <tempo/plugin.h>
#include <tempo/tensor.hpp>

#include "graph/value.hpp"

namespace tempo {

/// Each sets the functions of its part of the table.
void add_tensor_functions(tempo_host& table);
void add_layer_functions(tempo_host& table);

/// Throws Error if a function of the table is given NULL for a required argument.
inline void require(const void* given, const char* function, const char* what) {
  if (!given) throw Error(std::string(function) + ": `" + what + "` is NULL.");
}
/// A larger count of a list was probably never set.
constexpr uint64_t most_of_a_list = 1 << 20;
/// The same for a list of `n` elements; it may be NULL if n is 0.
inline void require_list(const void* first, uint64_t n, const char* function, const char* what) {
  if (n > most_of_a_list)
    throw Error(std::string(function) + ": there are " + std::to_string(n) + " `" + what +
                "`; at most " + std::to_string(most_of_a_list) + " can be given.");
  if (n > 0) require(first, function, what);
}

/// Throws the Error for a struct of the caller that is smaller than it must be.
[[noreturn]] void too_small(const char* function, std::size_t size, std::size_t needed);
/// The same for an array whose elements have a size that misaligns the next one, or is too large.
[[noreturn]] void askew(const char* function, std::size_t size);
[[noreturn]] void too_large(const char* function, std::size_t size);
/// A larger size of a struct was probably never set: no struct of 1.x has it.
constexpr std::size_t largest_element = 4096;

/// The least size of a struct of the caller: its size in version 1.0 of the ABI.
template <class Struct>
inline constexpr std::size_t least = sizeof(Struct);
#define TEMPO_LEAST(type, size) \
  template <>                   \
  inline constexpr std::size_t least<type> = size;
TEMPO_LEAST(tempo_attribute, TEMPO_ATTRIBUTE_SIZE_1_0)
TEMPO_LEAST(tempo_results, TEMPO_RESULTS_SIZE_1_0)
TEMPO_LEAST(tempo_result_types, TEMPO_RESULT_TYPES_SIZE_1_0)
TEMPO_LEAST(tempo_inputs, TEMPO_INPUTS_SIZE_1_0)
TEMPO_LEAST(tempo_call, TEMPO_CALL_SIZE_1_0)
TEMPO_LEAST(tempo_scan, TEMPO_SCAN_SIZE_1_0)
TEMPO_LEAST(tempo_custom_gradient, TEMPO_CUSTOM_GRADIENT_SIZE_1_0)
TEMPO_LEAST(tempo_weight, TEMPO_WEIGHT_SIZE_1_0)
#undef TEMPO_LEAST
static_assert(sizeof(tempo_type) == TEMPO_TYPE_SIZE_1_0, "it keeps its size for good");

/// The caller's fields of a struct; the fields that it does not know are 0.
template <class Struct>
Struct whole(const Struct& given) {
  if (given.size == sizeof given) return given;
  Struct all{};
  std::memcpy(&all, &given, std::min<std::size_t>(given.size, sizeof all));
  all.size = sizeof all;
  return all;
}
/// The same for an argument of a function of the table: it must have the size of version 1.0.
template <class Struct>
Struct whole(const Struct& given, const char* function) {
  if (given.size < least<Struct>) too_small(function, given.size, least<Struct>);
  return whole(given);
}
/// The elements of the caller's array. The size in the first one is the stride: with another
/// header, elements may be larger than here.
template <class Struct>
class Elements {
 public:
  Elements(const Struct* first, uint32_t n, const char* function) : given_(first, n) {
    if (n == 0 || first->size == sizeof(Struct)) return;
    if (first->size < least<Struct>) too_small(function, first->size, least<Struct>);
    if (first->size % alignof(Struct) != 0) askew(function, first->size);
    if (first->size > largest_element) too_large(function, first->size);
    copies_.reserve(n);
    for (std::size_t i = 0; i < n; ++i)
      copies_.push_back(whole(*reinterpret_cast<const Struct*>(
          reinterpret_cast<const char*>(first) + i * first->size)));
    given_ = copies_;
  }
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;
  auto begin() const { return given_.begin(); }
  auto end() const { return given_.end(); }
  std::span<const Struct> all() const { return given_; }

 private:
  std::span<const Struct> given_;
  std::vector<Struct> copies_;
};

/// Holds a count on each tensor argument of a function of the table until it returns: a callback
/// may release the caller's count.
class Held {
 public:
  explicit Held(const tempo_call& call) {
    hold(call.inputs, call.inputs ? call.n_inputs : 0);
    hold(call.states, call.n_states);
    hold(call.constants, call.n_constants);
    hold(call.once, call.n_once);
    hold(&call.mask, 1);
  }
  explicit Held(const tempo_scan& scan) {
    hold(scan.sequences, scan.n_sequences);
    hold(scan.states, scan.n_states);
    hold(scan.constants, scan.n_constants);
  }

 private:
  void hold(tempo_tensor* const* tensors, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i)
      if (tensors[i]) all_.push_back(Ref<Value>::share(tensors[i]));
  }
  std::vector<Ref<Value>> all_;
};

/// Fills in the fields that the caller has room for.
template <class Struct>
void show(const Struct& seen, Struct* room) {
  if (room->size == sizeof seen)
    *room = seen;
  else
    std::memcpy(room, &seen, std::min<std::size_t>(room->size, sizeof seen));
}

/// Throws Error if the caller's room is NULL, or smaller than the struct was in version 1.0.
template <class Room>
void require_room(const Room* room, const char* function, const char* what) {
  require(room, function, what);
  if (room->size < least<Room>) too_small(function, room->size, least<Room>);
}
/// Throws Error if `seen` or `out`, the room to show it in, is NULL. If only `seen` is, the room
/// becomes empty.
template <class View>
void require_shown(const void* seen, const char* function, const char* what, View* out) {
  require(out, function, "out");
  if (seen) return;
  View nothing{};
  nothing.size = out->size;
  show(nothing, out);
  require(seen, function, what);
}

/// The fault of a type from the caller, as a sentence; "" if it is possible. An automatic dtype is
/// possible.
std::string fault_of(const tempo_type& type);
/// The type, if it is possible; an automatic dtype becomes the default one.
TensorType type_of(const tempo_type& type);
/// Gives the caller a count of each tensor.
void hand_over(std::vector<Ref<Value>> from, tempo_tensor** to);
void hand_over(const Tensors& from, tempo_tensor** to);

}  // namespace tempo
