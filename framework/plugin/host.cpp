// SPDX-License-Identifier: Apache-2.0
// The host table: its parts put together, errors and registration.
#include "plugin/host.hpp"

#include "ops/defaults.hpp"
#include "plugin/error_state.hpp"
#include "plugin/registry.hpp"

namespace tempo {

void too_small(const char* function, std::size_t size, std::size_t needed) {
  throw Error(std::string(function) + ": a struct says that it has " + std::to_string(size) +
              " bytes; it has " + std::to_string(needed) +
              ".\n  Its field `size` is set by whoever provides it.");
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
  return table;
}

}  // namespace

}  // namespace tempo

extern "C" TEMPO_API const tempo_host* tempo_host_v0(void) {
  static const tempo_host table = tempo::whole_table();
  return &table;
}
