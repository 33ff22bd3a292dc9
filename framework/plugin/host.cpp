// SPDX-License-Identifier: Apache-2.0
// The host table: assembles its parts, and has the functions for errors and registration.
#include "plugin/host.hpp"

#include "graph/error_state.hpp"
#include "ops/defaults.hpp"
#include "plugin/debug/host.hpp"
#include "plugin/functions.hpp"
#include "plugin/registry.hpp"

namespace tempo {

void too_small(const char* function, std::size_t size, std::size_t needed) {
  throw Error(std::string(function) + ": a struct says that it has " + std::to_string(size) +
              " bytes; it has " + std::to_string(needed) +
              ".\n  Its field `size` is set by whoever provides it.");
}
void askew(const char* function, std::size_t size) {
  throw Error(std::string(function) + ": a struct of an array says that it has " +
              std::to_string(size) +
              " bytes; it has a multiple of 8.\n  Its field `size` is set by whoever provides it.");
}
void too_large(const char* function, std::size_t size) {
  throw Error(std::string(function) + ": a struct of an array says that it has " +
              std::to_string(size) + " bytes; at most " + std::to_string(largest_element) +
              " are possible.\n  Its field `size` is set by whoever provides it.");
}

std::string fault_of(const tempo_type& type) {
  if (type.size < sizeof type)
    return "its field `size` is " + std::to_string(type.size) + ", and it has " +
           std::to_string(sizeof type) + " bytes.";
  if (type.rank > TEMPO_MAX_RANK)
    return "a tensor has at most 8 axes, not " + std::to_string(type.rank) + ".";
  if (type.dtype == TEMPO_FLOAT16 || type.dtype == TEMPO_BFLOAT16)
    return std::string(type.dtype == TEMPO_FLOAT16 ? "float16" : "bfloat16") +
           " has a number, and no tensor can have it yet.";
  if (!dtype_numbered(type.dtype))
    return "there is no dtype with the number " + std::to_string(type.dtype) + ".";
  if (type.device != 0)
    return "its field `device` is " + std::to_string(type.device) +
           ", and tensors lie in the processor's memory alone, 0.";
  return sdk::shape_of(type).fault();
}

TensorType type_of(const tempo_type& type) {
  if (const std::string fault = fault_of(type); !fault.empty()) throw ShapeError(fault);
  const DType dtype = sdk::dtype_of(type);
  return {dtype == DType::automatic ? default_dtype() : dtype, sdk::shape_of(type)};
}

void hand_over(std::vector<Ref<Value>> from, tempo_tensor** to) {
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i].give_up();
}
void hand_over(const Tensors& from, tempo_tensor** to) {
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i].retained();
}

namespace {

tempo_status register_layer(tempo_registry* registry, const tempo_layer_type* type) {
  return sdk::guarded([&] { add(registry, type); });
}
tempo_status register_op(tempo_registry* registry, const tempo_op_type* type) {
  return sdk::guarded([&] { add(registry, type); });
}

tempo_status register_type(tempo_registry* registry, uint32_t kind, const void* type) {
  return sdk::guarded([&] { add(registry, kind, type); });
}

const void* get_extension(const char* id) {
  return id && std::string_view(id) == TEMPO_CHECK_EXTENSION ? check_host() : nullptr;
}

tempo_status find_function(uint32_t kind, const char* text, const tempo_function** out) {
  return sdk::guarded([&] {
    require(text, "find_function", "text");
    require(out, "find_function", "out");
    *out = nullptr;
    if (kind != TEMPO_ACTIVATION)
      throw Error("find_function: of the kinds, activations alone are found by plugins.");
    *out = &lasting_function(kind, text);
  });
}
tempo_status call_function_of(const tempo_function* function, tempo_tensor* const* inputs,
                              uint32_t n_inputs, tempo_tensor** results, uint32_t n_results) {
  return sdk::guarded([&] {
    require(function, "call_function", "function");
    require_list(inputs, n_inputs, "call_function", "inputs");
    require_list(results, n_results, "call_function", "results");
    Tensors in;
    for (uint32_t i = 0; i < n_inputs; ++i) {
      if (!inputs[i])
        throw Error("input " + std::to_string(i) + " was never given a value (it is Tensor{}).");
      in.push_back(Tensor::borrowed(inputs[i]));
    }
    hand_over(call_function(*function, in, n_results), results);
  });
}

tempo_host whole_table() {
  tempo_host table{};
  table.size = sizeof table;
  table.minor = TEMPO_ABI_MINOR;
  table.fail = &fail;
  table.last_error = &last_error;
  add_tensor_functions(table);
  add_layer_functions(table);
  table.register_layer = &register_layer;
  table.register_op = &register_op;
  table.register_type = &register_type;
  table.get_extension = &get_extension;
  table.find_function = &find_function;
  table.call_function = &call_function_of;
  return table;
}

}  // namespace

}  // namespace tempo

extern "C" TEMPO_API const tempo_host* tempo_host_v1(void) {
  static const tempo_host table = tempo::whole_table();
  return &table;
}
