// SPDX-License-Identifier: Apache-2.0
// Checks of gradients by differences of the layer's own values, and that training follows them.
#include <cmath>
#include <sstream>

#include <tempo/gradient.hpp>

#include "check/checks.hpp"

namespace tempo::conformance {

namespace {

void check_order(const Subject& subject, int order) {
  const Tensors x = subject.inputs(float64, {.batch = 2}, 11);
  const Layer layer = subject.ready(x);
  if (leaves(layer, parameters(x)).empty())
    throw Inapplicable("it has neither weights nor inputs that are numbers");
  const GradCheck found = gradcheck(layer, x, {.order = order});
  for (const GradCheck::Row& row : found.rows) {
    if (row.order != order || row.error <= found.tolerance) continue;
    std::ostringstream text;
    text.precision(9);
    text << "of " << row.input << " " << to_string(row.shape) << " it is " << row.gradient
         << " at element " << row.element << ", where the values rise by " << row.difference;
    if (!row.fault.empty()) text << "; " << row.fault;
    throw Fault(text.str());
  }
}

// The first floating result; a layer that returns tags returns its scores after them.
Tensor trained_result(const Layer& layer, const Tensors& x) {
  for (const Tensor& y : results(layer, x, true))
    if (is_floating(y.dtype())) return y;
  throw Inapplicable("its results are no numbers");
}

Tensor loss_of(const Layer& layer, const Tensors& x, const Tensor& target) {
  return mean(square(trained_result(layer, x) - target));
}

double squared_norm(const Tensors& tensors) {
  double total = 0;
  for (const Tensor& t : tensors) total += sum(square(t)).item();
  return total;
}

}  // namespace

void check_gradient(const Subject& subject) { check_order(subject, 1); }
void check_second_gradient(const Subject& subject) { check_order(subject, 2); }

// A short step along the gradient lowers the loss by its length times the norm of the gradient.
// Weights take this step in a fit, if the loss is of the first result; without weights, inputs do.
void check_training(const Subject& subject) {
  const Tensors x = parameters(subject.inputs(float64));
  const Layer layer = subject.ready(x);
  const bool has_weights = !layer.trainable_weights().empty();
  const Tensor y = trained_result(layer, x);
  const bool fits = has_weights && is_floating(results(layer, x)[0].dtype());
  layer.reset_state();
  const Tensor target = random_normal(y.shape(), 0, 1, float64, 5);
  const Tensors moved = has_weights ? layer.trainable_weights() : leaves(layer, x);
  if (moved.empty()) throw Inapplicable("it has neither weights nor inputs that are numbers");
  const Tensor loss = loss_of(layer, x, target);
  layer.reset_state();
  const Tensors gradients = gradient(loss, moved);
  for (std::size_t i = 0; i < moved.size(); ++i)
    require(
        squared_norm({gradients[i]}) > 0,
        "no gradient reaches " + (has_weights ? moved[i].path() : "input " + std::to_string(i)));
  const double norm = std::sqrt(squared_norm(gradients)), length = 1e-4;
  if (fits) {
    Sequential model({layer});
    model.compile({.optimizer = SGD({.learning_rate = length / norm}), .loss = "mse"});
    Tensors plain;
    for (const Tensor& t : x) plain.push_back(stop_gradient(t));
    set_seed(33);
    model.fit(plain, target,
              {.batch_size = y.shape()[0], .epochs = 1, .shuffle = false, .verbose = 0});
  } else {
    for (std::size_t i = 0; i < moved.size(); ++i)
      assign(moved[i], stop_gradient(moved[i]) - length / norm * gradients[i]);
  }
  layer.reset_state();
  const double before = loss.item(), after = loss_of(layer, x, target).item();
  std::ostringstream text;
  text.precision(9);
  text << "a step along its gradient takes the loss from " << before << " to " << after
       << "; it should fall by " << length * norm;
  const double share = (before - after) / (length * norm);
  require(share > 0.5 && share < 1.5, text.str());
}

}  // namespace tempo::conformance
