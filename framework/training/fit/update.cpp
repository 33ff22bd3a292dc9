// SPDX-License-Identifier: Apache-2.0
// The forward pass, the gradients, and the step of the optimizer.
#include "training/fit/update.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

#include "graph/value.hpp"
#include "training/finite.hpp"
#include "training/fit/reach.hpp"
#include "training/losses/reduction.hpp"
#include "training/metrics/metric_state.hpp"
#include "training/models/regularization.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

std::string place(int epoch, int64_t number) {
  return "epoch " + std::to_string(epoch + 1) + ", batch " + std::to_string(number + 1);
}

bool anything_counts(const Tensors& y_pred) {
  return std::any_of(y_pred.begin(), y_pred.end(), [](const Tensor& y) {
    const Tensor mask = mask_of(y);
    return !mask || max(cast(mask, int32)).item() > 0;
  });
}

// A result of the model for a replaced sample does not belong to the original sample: a metric that
// counts it sees NaN, as it does in evaluate.
void forget_replaced(const Tensor& replaced, Tensors& y_pred) {
  const NoGradient watching;
  for (Tensor& y : y_pred)
    if (is_floating(y.dtype()) && y.rank() > 0 && y.shape()[0] == replaced.count())
      y = with_mask(where(against(replaced, y), std::numeric_limits<double>::quiet_NaN(), y),
                    mask_of(y));
}

std::string text(double value) {
  return std::isnan(value) ? "NaN" : value > 0 ? "infinite" : "-infinite";
}

}  // namespace

Tensors called(ModelState& model, const Dataset& batch, bool training) {
  if (!batch.carried) return model.call(batch.x, {.training = training});
  const CarriedStates::Call going_on(*batch.carried, batch.count(), batch.x[0].shape()[1]);
  Tensors y_pred = model.call(batch.x, {.training = training});
  if (batch.ends)
    for (Tensor& y : y_pred) y = with_mask(y, batch.ends);
  return y_pred;
}

const Tensors& Penalized::of(const ModelState& model) {
  if (!found_) found_ = penalized_of(model.weights());
  return *found_;
}

Scored score(const std::string& who, ModelState& model, const Objective& objective,
             const Dataset& batch, bool training, const SideEffects& seen, Penalized& penalized) {
  const Tensors y_pred = called(model, batch, training);
  auto [total, each] = objective(who, batch, y_pred);
  Scored scored{y_pred, total, total, each};
  for (const Tensor& added : {penalty_of(penalized.of(model)), seen.losses()})
    if (added)
      scored.loss =
          scored.loss + (added.dtype() == total.dtype() ? added : cast(added, total.dtype()));
  return scored;
}

Scored Updates::operator()(const Dataset& batch, int epoch, int64_t number) {
  const Recording recording;
  SideEffects effects;
  Scored scored;
  try {
    scored = score(who_, model_, objective_, batch, true, effects, penalized_);
    if (!batch.carried || anything_counts(scored.y_pred))
      step(batch, epoch, number, scored, effects);
  } catch (...) {
    effects.take_back();
    throw;
  }
  effects.settle();
  if (batch.replaced) forget_replaced(batch.replaced, scored.y_pred);
  return scored;
}

void Updates::step(const Dataset& batch, int epoch, int64_t number, const Scored& scored,
                   SideEffects& effects) {
  const Tensors& y_pred = scored.y_pred;
  const double value = scored.loss.item();
  const auto refuse = [&](const std::string& what) {
    effects.take_back();  // else a weight that a layer assigned would be reported as the cause
    not_finite(batch, y_pred, what, epoch, number);
  };
  if (!std::isfinite(value)) refuse("the loss is " + text(value));
  const Tensors weights = model_.trainable_weights();
  if (weights.empty()) throw Error(who_ + ": the model has no trainable weights.");
  if (!std::exchange(model_.reach_is_known, true)) require_listed(scored.loss);
  if (!std::exchange(model_.mask_is_known, true))
    for (const Tensor& y : y_pred) say_where_a_mask_is_lost(y);
  const Tensors gradients = gradients_of(batch, scored, weights);
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!is_finite(gradients[i])) refuse("the gradient of " + weights[i].path() + " is not finite");
  const auto named = [&](const Error& error) {
    return who_ + (epoch == no_epoch ? "" : ", " + place(epoch, number)) + ": " + error.what();
  };
  try {
    optimizer_.step(weights, gradients);
  } catch (const NotFinite& error) {
    throw NotFinite(named(error));
  } catch (const Error& error) {
    throw Error(named(error));
  }
}

// A weight that the loss does not depend on gets zeros, as optimizers expect. A penalty reaches
// every weight that has one, so the reach of the data is checked once, without penalties.
Tensors Updates::gradients_of(const Dataset& batch, const Scored& scored, const Tensors& weights) {
  const Tensor loss = optimizer_.scale_loss(scored.loss);
  const NoGradient walking;
  Tensors gradients = gradients_for(loss, weights);
  const bool penalized = scored.loss.handle() != scored.of_data.handle();
  if (!penalized || !std::exchange(model_.reach_is_checked, true))
    check_reach(batch, weights, penalized ? gradients_for(scored.of_data, weights) : gradients);
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!gradients[i]) gradients[i] = zeros_like(weights[i]);
  return gradients;
}

// A later piece of a sequence does not reach the states that it began with.
void Updates::check_reach(const Dataset& batch, const Tensors& weights, const Tensors& gradients) {
  std::string without;
  std::size_t count = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (gradients[i]) continue;
    if (count++ == 0 || !model_.warned)
      without += (without.empty() ? "" : ", ") + weights[i].path();
  }
  if (count == weights.size())
    throw Error(who_ + ": no gradient of the loss `" + objective_.name() +
                "` reaches any weight, so nothing can be learnt.\n  Argmax, comparisons, casts to "
                "whole numbers and stop_gradient let none through; the loss must follow y_pred "
                "smoothly.");
  const bool later_piece = batch.first_step > 0 && !batch.ends;
  if (count > 0 && !later_piece && !std::exchange(model_.warned, true))
    std::cerr << "tempo: " << who_ << ": no gradient reaches " << without
              << "; the loss does not depend on " << (count == 1 ? "it" : "them") << ".\n";
}

void Updates::say_where_a_mask_is_lost(const Tensor& y_pred) const {
  const std::string op = mask_lost_in(y_pred);
  if (op.empty()) return;
  std::cerr << "tempo: " << who_ << ": y_pred " << to_string(y_pred.shape(), y_pred.dtype())
            << " has no mask, and a sequence that it was made of has one, which is lost in `" << op
            << "`; padding counts in the loss.\n  with_mask(y, mask_of(x)) puts it back; "
               "with_mask(x, {}) takes it off on purpose, and is silent.\n";
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

std::string Updates::why_infinite(const Dataset& batch, const Tensors& y_pred) const {
  const std::vector<Output>& outputs = objective_.outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].loss) continue;
    const auto cause = MetricState::state_of(outputs[i].loss)
                           .why_infinite(batch.y[i], objective_.read_by(i, y_pred), batch.weight);
    if (!cause) continue;
    std::string name = batch.name_of_y;
    if (batch.y.size() > 1) name += "[" + std::to_string(i) + "]";
    return name + "[" + std::to_string(batch.place_of(cause->sample)) + "] " + cause->text;
  }
  return "";
}

void Updates::not_finite(const Dataset& batch, const Tensors& y_pred, const std::string& what,
                         int epoch, int64_t number) const {
  std::string cause = "Likely: a learning_rate too large (it is " +
                      sdk::shortest(optimizer_.learning_rate()) +
                      "), or gradients that explode over time; set a smaller one, or clipnorm = 1.";
  if (const std::string why = why_infinite(batch, y_pred); !why.empty()) cause = why;
  for (const Tensor& x : batch.x)
    if (!is_finite(x))
      cause = "x of this batch holds NaN or infinite numbers; clean the data first.";
  for (std::size_t i = 0; i < batch.y.size(); ++i) {
    if (objective_.outputs()[i].weight == 0) continue;
    const Tensor& t = batch.y[i];
    const Weighting weighting(who_, mask_of(y_pred[i]), batch.weight);
    if (!is_finite(only(weighting.kept_of(t.shape(), t.rank()), t)))
      cause = "y of this batch holds NaN or infinite numbers; clean the data first.";
  }
  for (const Tensor& w : model_.weights())
    if (!is_finite(w)) cause = "The weight " + w.path() + " held NaN or infinite numbers before.";
  throw NotFinite(who_ + ": " + what + (epoch == no_epoch ? "" : " in " + place(epoch, number)) +
                  ".\n  The weights are as they were before this batch.\n  " + cause);
}

}  // namespace tempo
