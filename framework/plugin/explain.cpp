// SPDX-License-Identifier: Apache-2.0
// Runs a layer once forwards and backwards, and prints the Programs that ran.
#include "scan/explain.hpp"

#include <tempo/explain.hpp>

#include "graph/trace.hpp"
#include "plugin/registry.hpp"

namespace tempo {

namespace {

// Copies that get a gradient, if their dtype allows one.
Tensors as_parameters(const char* path, const Tensors& given) {
  Tensors out;
  for (const Tensor& t : given) out.push_back(is_floating(t.dtype()) ? parameter(t, path) : t);
  return out;
}

// Adds the masks of the given tensors, which parameters do not carry.
Tensors masked_as(const Tensors& given, Tensors x) {
  for (std::size_t i = 0; i < x.size(); ++i)
    if (const Tensor mask = mask_of(given[i]))
      x[i] = with_mask(x[i].tracked() ? 1 * x[i] : x[i], mask);
  return x;
}

Tensors run(const Layer& layer, const Tensors& x, const CallOptions& options) {
  if (!layer.is_cell()) return layer.call(x, options);
  StepCall call{.training = options.training, .constants = options.constants};
  for (const Tensor& t : x) {
    if (t.rank() < 2)
      throw ShapeError("explain: a cell is run over [batch, time, ...], got " +
                       to_string(t.shape()) + ".");
    call.inputs.push_back(t.shape().without_first());
    call.inputs.back()[0] = t.shape()[0];
  }
  call.dtype = sdk::dtype_of_states(x, layer.view().dtype);
  layer.build(call.inputs);
  const Tensors made = once(layer, call);
  call.once.assign(made.begin(), made.end());
  const State first =
      options.initial_state.empty() ? State(initial_state(layer, call)) : options.initial_state;
  return {
      scan([&](const Tensors& now, const State& s) { return step(layer, now, s, call); }, x, first)
          .output};
}

void run_back(const Tensors& results, Tensors inputs) {
  Tensor total;
  for (const Tensor& y : results) {
    if (!is_floating(y.dtype()) || !y.tracked()) continue;
    const Tensor part = sum(y);
    total = total ? total + part : part;
  }
  std::erase_if(inputs, [](const Tensor& t) { return !t.tracked(); });
  if (total && !inputs.empty()) gradient(total, inputs);
}

}  // namespace

std::string explain(const Layer& layer, const Shape& input, DType dtype) {
  return explain(layer, Tensors{zeros(input, dtype)});
}

std::string explain(const Layer& layer, const Tensors& inputs, const CallOptions& options) {
  if (Trace::current()) throw Error("explain: nothing runs while a step is traced.");
  const Recording on;
  const ProgramLog log;
  const Layer twin = recreated(layer);
  const Tensors x = as_parameters("input", inputs),
                states = as_parameters("state", options.initial_state),
                constants = as_parameters("constant", options.constants);
  const Tensors results = run(twin, masked_as(inputs, x),
                              {.training = options.training,
                               .mask = sdk::given_mask(layer.name(), inputs, options),
                               .initial_state = states,
                               .constants = masked_as(options.constants, constants)});
  Tensors tracked = twin.trainable_weights();
  for (const Tensors& more : {x, states, constants})
    tracked.insert(tracked.end(), more.begin(), more.end());
  run_back(results, tracked);

  std::string text = with_plugin(*layer.view().type) + " on ";
  for (const Tensor& t : x) text += (&t == &x[0] ? "" : ", ") + to_string(t.shape(), t.dtype());
  text += "\n";
  if (log.programs().empty())
    return text + "\nThere is no recurrence in it: no scan runs, each op runs once.\n";
  for (const LoggedProgram& program : log.programs()) text += "\n" + explain(program);
  return text;
}

}  // namespace tempo
