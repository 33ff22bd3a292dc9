// SPDX-License-Identifier: Apache-2.0
// Normalises features over the batch, and keeps the statistics that are used after training.
#pragma once

#include <tempo/gradient.hpp>
#include <tempo/layers/center_and_scale.hpp>
#include <tempo/layers/sequences.hpp>
#include <tempo/shared.hpp>

namespace tempo TEMPO_HIDDEN {

struct BatchNormalizationOptions {
  int axis = -1;
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = zeros();
  Initializer gamma_initializer = ones();
  Initializer moving_mean_initializer = zeros();
  Initializer moving_variance_initializer = ones();
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

inline void describe(auto& option, BatchNormalizationOptions& o) {
  option("axis", o.axis, "The axis of the features; all others are averaged over.");
  option("momentum", o.momentum,
         "The share of the moving statistics that a call in training keeps.", between(0, 1));
  option("epsilon", o.epsilon, "Added to the variance.", at_least(0));
  describe_center_and_scale(option, o);
  option("moving_mean_initializer", o.moving_mean_initializer,
         "First values of moving_mean [features].");
  option("moving_variance_initializer", o.moving_variance_initializer,
         "First values of moving_variance [features].");
}

/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy, 2015). In training,
/// mean and variance are those of the batch without masked steps, and moving_mean and
/// moving_variance move a little towards them; otherwise, and while the layer is frozen, the moving
/// ones are used. Only one thread at a time may call it in training.
class BatchNormalizationLayer : public LayerOf<BatchNormalizationOptions> {
 public:
  using LayerOf::LayerOf;

  void build(Weights& add, const Shape& input) {
    if (input.rank() < 2)
      throw ShapeError("BatchNormalization: needs [batch, ..., features], got " + to_string(input) +
                       ".\n  expand_dims(x, 0) makes a batch of one of it.");
    axis_ = sdk::from_end("BatchNormalization", options.axis, input.rank());
    const Shape features{input[axis_]};
    weights_.build(add, features, options);
    mean_ = add("moving_mean", features, options.moving_mean_initializer, {.trainable = false});
    variance_ =
        add("moving_variance", features, options.moving_variance_initializer, {.trainable = false});
  }

  Tensor call(const Tensor& given, const CallOptions& call) {
    const Tensor x = sdk::usable(given, call.mask);
    Moments now{along_axis(mean_), along_axis(variance_)};
    if (call.training && is_trainable()) {
      now =
          sdk::is_mask_of(call.mask, x) ? moments_of(x, sdk::against(x, call.mask)) : moments_of(x);
      move_towards(now);
    }
    Tensor factor = 1 / sqrt(now.variance + options.epsilon);
    if (weights_.gamma) factor = factor * along_axis(weights_.gamma);
    Tensor y = (x - now.mean) * factor;
    if (weights_.beta) y = y + along_axis(weights_.beta);
    return call.mask ? with_mask(y, call.mask) : y;
  }

 private:
  struct Moments {
    Tensor mean, variance;  // of x's rank
  };

  Axes others(const Tensor& x) const {
    Axes axes;
    for (int axis = -x.rank(); axis < 0; ++axis)
      if (axis != axis_) axes.push_back(axis);
    return axes;
  }

  Moments moments_of(const Tensor& x) const {
    const Axes axes = others(x);
    return {mean(x, axes, true), var(x, axes, true)};
  }
  /// Moments of the elements where `counts`, of x's rank, is true. Keras adds 1e-7 to their number.
  Moments moments_of(const Tensor& x, const Tensor& counts) const {
    const Axes axes = others(x);
    const auto total = [&](const Tensor& of) { return sum(where(counts, of, 0), axes, true); };
    const Tensor n = total(ones_like(x)) + 1e-7;
    const Tensor center = total(x) / n;
    return {center, total(square(x - center)) / n};
  }

  void move_towards(const Moments& now) {
    const OneAtATime::Turn turn(&calls_);
    if (!turn)
      throw Error(
          "BatchNormalization: another thread calls it in training, and both would move its "
          "statistics.\n  Train a model in one thread at a time.");
    const NoGradient off;
    const auto move = [&](const Tensor& moving, const Tensor& towards) {
      assign(moving,
             moving * options.momentum + reshape(towards, moving.shape()) * (1 - options.momentum));
    };
    move(mean_, now.mean);
    move(variance_, now.variance);
  }

  /// A vector of features, reshaped to broadcast along x's axis of features.
  Tensor along_axis(const Tensor& features) const {
    if (axis_ == -1) return features;
    Shape shape{features.shape()[0]};
    for (int axis = axis_ + 1; axis < 0; ++axis) shape.push_back(1);
    return reshape(features, shape);
  }

  CenterAndScale weights_;
  Tensor mean_, variance_;
  int axis_ = -1;
  OneAtATime calls_;
};

/// Batch normalisation; its options are BatchNormalizationOptions.
inline Layer BatchNormalization(const BatchNormalizationOptions& options = {}) {
  return make_layer("BatchNormalization", options);
}
TEMPO_OPTIONS(Layer BatchNormalization, BatchNormalizationOptions);

}  // namespace tempo
