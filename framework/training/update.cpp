// SPDX-License-Identifier: Apache-2.0
// The forward pass, the gradients, and the step of the optimizer.
#include "training/update.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "graph/value.hpp"
#include "training/finite.hpp"
#include "training/reach.hpp"
#include "training/reduction.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

std::string text(double value) {
  return std::isnan(value) ? "NaN" : value > 0 ? "infinite" : "-infinite";
}

}  // namespace

Scored score(const std::string& who, ModelState& model, const Loss& its_loss, const Dataset& batch,
             bool training) {
  const Tensors results = model.call(batch.x, {.training = training});
  const std::size_t read = std::min(static_cast<std::size_t>(its_loss.reads()), results.size() - 1);
  const Tensor loss =
      naming_labels(who, batch, [&] { return its_loss(batch.y, results[read], batch.weight); });
  if (loss.count() != 1)
    throw ShapeError(who + ": the loss `" + its_loss.name() + "` gave " +
                     to_string(loss.shape(), loss.dtype()) +
                     ".\n  Training needs one number; a reduction other than \"none\" gives it.");
  return {results[0], loss};
}

void Updates::operator()(const Dataset& batch, Tracker& tracker, int epoch, int64_t number) {
  const Recording recording;
  const auto [y_pred, loss] = score(who_, model_, loss_, batch, true);
  const double value = loss.item();
  if (!std::isfinite(value)) not_finite(batch, y_pred, "the loss is " + text(value), epoch, number);
  const Tensors weights = model_.trainable_weights();
  if (weights.empty()) throw Error(who_ + ": the model has no trainable weights.");
  if (!std::exchange(model_.reach_is_known, true)) require_listed(loss);
  const NoGradient walking;
  const Tensors gradients = gradients_of(loss, weights);
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!is_finite(gradients[i]))
      not_finite(batch, y_pred, "the gradient of " + weights[i].path() + " is not finite", epoch,
                 number);
  try {
    optimizer_.step(weights, gradients);
  } catch (const Error& error) {
    throw Error(who_ + ", epoch " + std::to_string(epoch + 1) + ", batch " +
                std::to_string(number + 1) + ": " + error.what());
  }
  naming_labels(who_, batch, [&, &y_pred = y_pred] {
    tracker.add(batch.count(), batch.y, y_pred, batch.weight, value);
  });
}

// A weight that the loss does not depend on has zeros, as optimizers expect.
Tensors Updates::gradients_of(const Tensor& loss, const Tensors& weights) {
  Tensors gradients = gradients_for(loss, weights);
  std::string without;
  std::size_t count = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (gradients[i]) continue;
    gradients[i] = zeros_like(weights[i]);
    if (count++ == 0 || !model_.warned)
      without += (without.empty() ? "" : ", ") + weights[i].path();
  }
  if (count == weights.size())
    throw Error(who_ + ": no gradient of the loss `" + loss_.name() +
                "` reaches any weight, so nothing can be learnt.\n  Argmax, comparisons, casts to "
                "whole numbers and stop_gradient let none through; the loss must follow y_pred "
                "smoothly.");
  if (count > 0 && !std::exchange(model_.warned, true))
    std::cerr << "tempo: " << who_ << ": no gradient reaches " << without
              << "; the loss does not depend on " << (count == 1 ? "it" : "them") << ".\n";
  return gradients;
}

void Updates::require_listed(const Tensor& loss) {
  const std::string path = reached_outside(loss, model_.weights());
  if (path.empty()) return;
  const std::string layer = path.substr(0, path.find('/'));
  model_.reach_is_known = false;
  throw Error(who_ + ": the model uses `" + layer + "`, but none of its layers holds " + path +
              ", so it would be neither trained nor saved.\n  " +
              (model_.function ? "Put `" + layer + "` into the model's list of layers"
                               : "The layer that calls `" + layer +
                                     "` must add it in add_children(Children& add)") +
              "; or make it with .trainable = false, if it shall stay as it is.");
}

void Updates::not_finite(const Dataset& batch, const Tensor& y_pred, const std::string& what,
                         int epoch, int64_t number) const {
  std::string cause = "Likely: a learning_rate too large (it is " +
                      sdk::shortest(optimizer_.learning_rate()) +
                      "), or gradients that explode over time; set a smaller one, or clipnorm = 1.";
  for (const Tensor& x : batch.x)
    if (!is_finite(x))
      cause = "x of this batch holds NaN or infinite numbers; clean the data first.";
  const Weighting weighting(who_, mask_of(y_pred), batch.weight);
  const auto counts_finite = [&](const Tensor& t) {
    return is_finite(only(weighting.kept_of(t.shape(), t.rank()), t));
  };
  if (!counts_finite(batch.y))
    cause = "y of this batch holds NaN or infinite numbers; clean the data first.";
  for (const Tensor& w : model_.weights())
    if (!is_finite(w)) cause = "The weight " + w.path() + " held NaN or infinite numbers before.";
  throw Error(who_ + ": " + what + " in epoch " + std::to_string(epoch + 1) + ", batch " +
              std::to_string(number + 1) +
              ".\n  The weights are as they were before this batch.\n  " + cause);
}

}  // namespace tempo
