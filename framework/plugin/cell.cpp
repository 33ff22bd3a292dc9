// SPDX-License-Identifier: Apache-2.0
// Cells before their first step: their states, and the values that they make once.
#include <tempo/names.hpp>
#include <tempo/ops.hpp>

#include "plugin/host.hpp"
#include "plugin/layer_callback.hpp"
#include "plugin/layer_errors.hpp"

namespace tempo {

namespace {
thread_local FirstStates* watching = nullptr;
}

FirstStates::FirstStates() : innermost_(watching, this) {}
FirstStates* FirstStates::current() { return watching; }
bool FirstStates::sees(const tempo_scan& scan, tempo_tensor** results) {
  states.clear();
  for (uint32_t i = 0; i < scan.n_states; ++i) states.push_back(Tensor::borrowed(scan.states[i]));
  if (scan.n_sequences == 0) return false;
  const Shape& x = scan.sequences[0]->type.shape;
  if (x.rank() < 2 || x[1] != 0) return false;
  for (uint32_t i = 0; i < scan.n_outputs; ++i) results[i] = zeros({x[0], 0, 1}).retained();
  for (uint32_t i = 0; i < scan.n_states; ++i) results[scan.n_outputs + i] = states[i].retained();
  return true;
}

namespace {

void require_cell(const tempo_layer& cell, const std::vector<TensorType>& inputs) {
  if (!cell.type.states)
    throw PluginError(cell.path() + ": it is a layer, not a cell; it has no states.");
  for (const TensorType& t : inputs)
    if (t.shape.empty())
      throw ShapeError(cell.path() + ": a step needs [batch, ...], got " + to_string(t) + ".");
  if (inputs.empty()) throw ShapeError(cell.path() + ": a cell needs at least one sequence.");
}

// The results of a cell's callback that runs before the first step.
Tensors made_before(tempo_layer& cell, const char* what,
                    decltype(tempo_layer_type::initial) callback,
                    const std::vector<TensorType>& inputs, tempo_call call) {
  const std::vector<tempo_type> types = to_abi(inputs);
  call.n_inputs = static_cast<uint32_t>(types.size());
  call.types = types.data();
  Results results;
  const BeingCalled being_called(cell);
  run_callback_of(cell, what, [&] {
    return callback(cell.type.user, cell.instance, &cell, &call, &results.abi);
  });
  const Tensors out = results.take();
  if (results.abi.count > 0) require_results(cell, out, results.abi.count);
  return out;
}

// The dtype of the first input decides that of the states; if it is automatic, the weights do.
std::vector<TensorType> with_dtype(const tempo_layer& cell, std::vector<TensorType> inputs) {
  for (TensorType& t : inputs)
    if (t.dtype == DType::automatic) t.dtype = cell.dtype;
  return inputs;
}

}  // namespace

std::vector<TensorType> states(tempo_layer& cell, const std::vector<TensorType>& inputs) {
  require_cell(cell, inputs);
  const int64_t batch = inputs[0].shape[0];
  const std::vector<TensorType> out = said_types(cell, "states", "state", cell.type.states, inputs);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Shape& shape = out[i].shape;
    if (shape.empty() || shape[0] != batch)
      throw ShapeError(at_fault(cell) + "state " + std::to_string(i) + " of a batch of " +
                       std::to_string(batch) + " has the shape " + to_string(shape) +
                       "; its first axis must be the batch.");
  }
  return out;
}

Tensors initial_states(tempo_layer& cell, const std::vector<TensorType>& given,
                       const tempo_call& call) {
  build(cell, given);
  const std::vector<TensorType> inputs = with_dtype(cell, given), types = states(cell, inputs);
  Tensors out;
  if (!cell.type.initial) {
    for (const TensorType& t : types)
      out.push_back(zeros(t.shape, t.dtype == DType::automatic ? inputs[0].dtype : t.dtype));
    return out;
  }
  out = made_before(cell, "initial", cell.type.initial, inputs, call);
  if (out.size() != types.size())
    throw ShapeError(at_fault(cell) + "it begins with " +
                     sdk::counted(static_cast<int64_t>(out.size()), "state") + ", and it has " +
                     std::to_string(types.size()) + ".");
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i].shape() != types[i].shape)
      throw ShapeError(at_fault(cell) + "it begins with state " + std::to_string(i) + " as " +
                       to_string(out[i].shape()) + "; it must be " + to_string(types[i].shape) +
                       ".");
  return out;
}

Tensors made_once(tempo_layer& cell, const std::vector<TensorType>& given, const tempo_call& call) {
  build(cell, given);
  if (!cell.type.once || watching) return {};
  const std::vector<TensorType> inputs = with_dtype(cell, given);
  require_cell(cell, inputs);
  return made_before(cell, "once", cell.type.once, inputs, call);
}

}  // namespace tempo
