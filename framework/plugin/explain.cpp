// Runs a layer once, forward and back, and prints the Programs that came by.
#include <tempo/explain.hpp>

#include "graph/trace.hpp"
#include "plugin/registry.hpp"
#include "scan/explain.hpp"

namespace tempo {

namespace {

Tensor input_of(const Shape& shape, DType dtype) {
  const Tensor x = zeros(shape, dtype);
  return is_floating(x.dtype()) ? parameter(x, "input") : x;
}

Tensors run(const Layer& layer, const Tensor& x) {
  if (!layer.is_cell()) return layer.call({x});
  if (x.rank() < 2)
    throw ShapeError("explain: a cell is run over [batch, time, ...], got " + to_string(x.shape()) +
                     ".");
  State zero;
  for (const Shape& shape : state_shapes(layer, x.shape()[0]))
    zero.push_back(zeros(shape, x.dtype()));
  return {
      scan([&](const Tensor& now, const State& s) { return step(layer, now, s); }, x, zero).output};
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
  if (Trace::current()) throw Error("explain: nothing runs while a step is traced.");
  const Recording on;
  const ProgramLog log;
  const Layer twin = recreated(layer);
  const Tensor x = input_of(input, dtype);
  const Tensors results = run(twin, x);
  Tensors inputs = twin.trainable_weights();
  inputs.push_back(x);
  run_back(results, inputs);

  std::string text = with_plugin(*layer.view().type) + " on " + to_string(input, x.dtype()) + "\n";
  if (log.programs().empty())
    return text + "\nThere is no recurrence in it: no scan runs, each op runs once.\n";
  for (const LoggedProgram& program : log.programs()) text += "\n" + explain(program);
  return text;
}

}  // namespace tempo
