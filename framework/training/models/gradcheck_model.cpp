// SPDX-License-Identifier: Apache-2.0
// gradcheck of models and losses.
#include <tempo/gradient.hpp>
#include <tempo/loss.hpp>
#include <tempo/model.hpp>
#include <tempo/option_list.hpp>

#include "autograd/gradcheck.hpp"
#include "ops/defaults.hpp"
#include "training/models/kept_state.hpp"

namespace tempo {

namespace {

bool in_float64(const Model& model) {
  if (!model.built() && model.is_sequential()) return false;  // a copy is built in its place
  for (const Tensor& w : model.weights())
    if (is_floating(w.dtype()) && w.dtype() != float64) return false;
  return true;
}

Model copy_in_float64(const Model& model) {
  if (!model.is_sequential())
    throw Error("gradcheck: " + model.name() +
                ": its weights are not float64, and a model of a function cannot be made again.\n"
                "  set_default_dtype(float64) before it is built makes them so.");
  std::vector<Layer> layers;
  for (const Layer& layer : model.layers())
    layers.push_back(recreated(layer, {{"dtype", float64}}));
  return Sequential(layers, model.name());
}

GradCheck checked_apart(const Model& model, const Tensors& inputs,
                        const GradCheckOptions& options) {
  const Model checked = in_float64(model) ? model : copy_in_float64(model);
  std::vector<Leaf> leaves;
  Tensors x;
  for (const Tensor& t : inputs) {
    x.push_back(is_floating(t.dtype()) ? parameter(cast(t, float64)) : t);
    const std::string number = inputs.size() > 1 ? " " + std::to_string(x.size() - 1) : "";
    if (x.back().tracked()) leaves.push_back({"input" + number, x.back(), t.rank() > 2});
  }
  const auto call = [&] {
    GeneratorState state{options.seed, 0};
    const OwnGenerator own(state);
    checked.reset_state();
    return checked.call(x, {.training = options.training,
                            .mask = options.mask,
                            .initial_state = options.initial_state,
                            .constants = options.constants});
  };
  (void)call();  // builds the model
  if (!in_float64(checked))
    throw Error("gradcheck: " + model.name() +
                ": its weights are not float64.\n  set_default_dtype(float64) before it is built "
                "makes them so.");
  for (const auto& [path, weight] : checked.named_weights())
    if (!(weight.view().flags & TEMPO_FROZEN)) leaves.push_back({path, weight});
  return check_gradients(call, leaves, options);
}

}  // namespace

// Checks a float64 model without a copy, and restores the states of its stateful layers.
GradCheck gradcheck(const Model& model, const Tensors& inputs, const GradCheckOptions& options) {
  return with_states_apart(model, [&] { return checked_apart(model, inputs, options); });
}

GradCheck gradcheck(const Model& model, const Shape& input, const GradCheckOptions& options) {
  return gradcheck(model, Tensors{random_normal(input, 0, 1, float64, options.seed)}, options);
}

GradCheck gradcheck(const Loss& loss, const Tensor& y_true, const Tensor& y_pred,
                    const GradCheckOptions& options) {
  if (!is_floating(y_pred.dtype()))
    throw ShapeError("gradcheck: y_pred is " + to_string(y_pred.shape(), y_pred.dtype()) +
                     "; a loss is checked with respect to it, in float64.");
  const Tensor p = parameter(cast(y_pred, float64));
  const auto predicted = [&] { return options.mask ? with_mask(1 * p, options.mask) : p; };
  return check_gradients([&] { return Tensors{loss(y_true, predicted())}; },
                         {{"y_pred", p, y_pred.rank() > 2}}, options);
}

}  // namespace tempo
