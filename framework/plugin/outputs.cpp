// SPDX-License-Identifier: Apache-2.0
// The types of the results of layers, from their callback or from a call on types alone.
#include <tempo/gradient.hpp>

#include "graph/trace.hpp"
#include "plugin/host.hpp"
#include "plugin/layer_callback.hpp"
#include "plugin/layer_errors.hpp"

namespace tempo {

std::vector<TensorType> said_types(tempo_layer& layer, const char* what, const char* thing,
                                   decltype(tempo_layer_type::states) callback,
                                   const std::vector<TensorType>& inputs) {
  const std::vector<tempo_type> types = to_abi(inputs);
  tempo_type raw[TEMPO_MAX_OUTPUTS] = {};
  for (tempo_type& t : raw) t.size = sizeof t;
  tempo_result_types room{sizeof room, TEMPO_MAX_OUTPUTS, 0, raw};
  const tempo_inputs given = inputs_of(types);
  run_callback_of(layer, what,
                  [&] { return callback(layer.type.user, layer.instance, &layer, &given, &room); });
  if (room.count > TEMPO_MAX_OUTPUTS)
    throw PluginError(at_fault(layer) + "it says that it has " + std::to_string(room.count) + " " +
                      thing + "s; at most " + std::to_string(TEMPO_MAX_OUTPUTS) + " are possible.");
  std::vector<TensorType> out;
  for (uint32_t i = 0; i < room.count; ++i) {
    if (const std::string fault = fault_of(raw[i]); !fault.empty())
      throw PluginError(at_fault(layer) + thing + " " + std::to_string(i) +
                        " has a type that cannot be: " + fault);
    out.push_back({sdk::dtype_of(raw[i]), sdk::shape_of(raw[i])});
  }
  return out;
}

namespace {

// The dtype of the first floating input; without one, that of the weights.
DType dtype_of_outputs(const tempo_layer& layer, const std::vector<TensorType>& inputs) {
  for (const TensorType& t : inputs)
    if (is_floating(t.dtype)) return t.dtype;
  return layer.dtype;
}

std::vector<TensorType> traced_outputs(tempo_layer& layer, const std::vector<TensorType>& inputs) {
  const NoGradient off;
  Trace types_alone;
  const auto placeholders = [&](const std::vector<TensorType>& types) {
    Tensors out;
    for (const TensorType& t : types) out.push_back(to_tensor(types_alone.placeholder(t)));
    return out;
  };
  const Tensors x = placeholders(inputs);
  Tensors state;
  const bool is_cell = layer.type.kind == TEMPO_CELL;
  if (is_cell) {
    std::vector<TensorType> types = states(layer, inputs);
    for (TensorType& t : types)
      if (t.dtype == DType::automatic) t.dtype = dtype_of_outputs(layer, inputs);
    state = placeholders(types);
  }
  const std::vector<tempo_tensor*> in = sdk::handles(x), before = sdk::handles(state);
  tempo_call given{};
  given.size = sizeof given;
  given.n_inputs = static_cast<uint32_t>(in.size());
  given.n_states = static_cast<uint32_t>(before.size());
  given.inputs = in.data();
  given.states = before.data();
  std::vector<TensorType> out;
  for (const Tensor& y : call(layer, given)) out.push_back(y.handle()->type);
  if (is_cell) out.resize(1);
  return out;
}

}  // namespace

std::vector<TensorType> promised_outputs(tempo_layer& layer,
                                         const std::vector<TensorType>& inputs) {
  if (!layer.type.outputs) return {};
  std::vector<TensorType> out = said_types(layer, "outputs", "output", layer.type.outputs, inputs);
  for (TensorType& t : out)
    if (t.dtype == DType::automatic) t.dtype = dtype_of_outputs(layer, inputs);
  return out;
}

std::vector<TensorType> output_types(tempo_layer& layer, const std::vector<TensorType>& inputs) {
  build(layer, inputs);
  const std::vector<TensorType> promised = promised_outputs(layer, inputs);
  return promised.empty() ? traced_outputs(layer, inputs) : promised;
}

}  // namespace tempo
