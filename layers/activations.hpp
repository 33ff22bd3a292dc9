// SPDX-License-Identifier: Apache-2.0
// Activations as layers, and layers that return their input.
#pragma once

#include <tempo/layers/lists.hpp>
#include <tempo/layers/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

struct ActivationOptions {
  Activation activation = "linear";
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, ActivationOptions& o) {
  option("activation", o.activation, "By its name.");
}

/// An activation by its name: elementwise, except softmax and log_softmax, which run along the last
/// axis.
class ActivationLayer : public LayerOf<ActivationOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor given = sdk::with_usable_gradient(sdk::usable(x, call.mask), call.mask);
    return sdk::with_mask_of(call, options.activation(given));
  }
};

inline Activation::operator Layer() const {
  return make_layer("Activation", ActivationOptions{.activation = *this});
}

/// x itself.
class IdentityLayer : public LayerOf<NamedOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) const { return sdk::with_mask_of(call, x); }
};

/// A layer that returns its input.
inline Layer Identity(const NamedOptions& options = {}) { return make_layer("Identity", options); }
TEMPO_OPTIONS(Layer Identity, NamedOptions);

struct ActivityRegularizationOptions {
  double l1 = 0;
  double l2 = 0;
  std::string name = "";
};
inline void describe(auto& option, ActivityRegularizationOptions& o) {
  option("l1", o.l1, "Factor of the sum of |x| in the penalty.", at_least(0));
  option("l2", o.l2, "Factor of the sum of x^2 in the penalty.", at_least(0));
}

/// x itself. A penalty of x, divided by the batch size, is added to the loss; steps that a mask
/// leaves out do not count.
class ActivityRegularizationLayer : public LayerOf<ActivityRegularizationOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::require_floating("ActivityRegularization", x);
    const Regularizer penalty = L1L2({.l1 = options.l1, .l2 = options.l2});
    const int64_t batch = x.rank() > 0 ? std::max<int64_t>(1, x.shape()[0]) : 1;
    const bool masked = sdk::is_mask_of(call.mask, x);
    const Tensor counted = masked ? where(sdk::against(x, call.mask), x, 0) : x;
    add_loss(penalty(counted) / static_cast<double>(batch));
    return sdk::with_mask_of(call, x);
  }
};

/// A penalty of its input; its options are ActivityRegularizationOptions.
inline Layer ActivityRegularization(const ActivityRegularizationOptions& options = {}) {
  return make_layer("ActivityRegularization", options);
}
TEMPO_OPTIONS(Layer ActivityRegularization, ActivityRegularizationOptions);

struct ReLUOptions {
  double max_value = HUGE_VAL;
  double negative_slope = 0;
  double threshold = 0;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, ReLUOptions& o) {
  option("max_value", o.max_value, "Greatest result; inf for any.", at_least(0));
  option("negative_slope", o.negative_slope, "Slope below the threshold.", at_least(0));
  option("threshold", o.threshold, "What is greater is kept.", at_least(0));
}

/// x above the threshold, at most max_value; below it negative_slope (x - threshold).
class ReLULayer : public LayerOf<ReLUOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::require_floating("ReLU", x);
    const auto& o = options;
    return sdk::with_mask_of(call, sdk::relu(x, o.negative_slope, o.max_value, o.threshold));
  }
};

/// Rectified linear units; its options are ReLUOptions.
inline Layer ReLU(const ReLUOptions& options = {}) { return make_layer("ReLU", options); }
TEMPO_OPTIONS(Layer ReLU, ReLUOptions);

struct LeakyReLUOptions {
  double negative_slope = 0.3;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, LeakyReLUOptions& o) {
  option("negative_slope", o.negative_slope, "Slope below 0.", at_least(0));
}

/// x above 0, below it negative_slope x (Maas et al., 2013). As an activation, leaky_relu, the
/// slope is 0.2.
class LeakyReLULayer : public LayerOf<LeakyReLUOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::require_floating("LeakyReLU", x);
    return sdk::with_mask_of(call, where(x > 0, x, options.negative_slope * x));
  }
};

/// Rectified linear units that leak; its options are LeakyReLUOptions.
inline Layer LeakyReLU(const LeakyReLUOptions& options = {}) {
  return make_layer("LeakyReLU", options);
}
TEMPO_OPTIONS(Layer LeakyReLU, LeakyReLUOptions);

struct PReLUOptions {
  Initializer alpha_initializer = zeros();
  Regularizer alpha_regularizer = {};
  Constraint alpha_constraint = {};
  Integers shared_axes = {};
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};
inline void describe(auto& option, PReLUOptions& o) {
  option("alpha_initializer", o.alpha_initializer,
         "First values of alpha, which has the shape of a sample.");
  option("alpha_regularizer", o.alpha_regularizer, "Penalty of alpha, added to the loss.");
  option("alpha_constraint", o.alpha_constraint, "What alpha fulfils after each update.");
  option("shared_axes", sdk::as_list(o.shared_axes),
         "Axes of the input along which one slope serves all, as 1 for time; alpha has 1 there.");
}

/// x above 0, below it alpha x, where alpha is learned (He et al., 2015).
class PReLULayer : public LayerOf<PReLUOptions> {
 public:
  using LayerOf::LayerOf;

  void build(Weights& add, const Shape& input) {
    const Axes shared =
        sdk::axes_after_batch("PReLU", "shared_axes", options.shared_axes, input.rank());
    Shape shape;
    for (int axis = 1; axis < input.rank(); ++axis)
      shape.push_back(std::find(shared.begin(), shared.end(), axis) == shared.end() ? input[axis]
                                                                                    : 1);
    alpha_ =
        add("alpha", shape, options.alpha_initializer,
            {.regularizer = options.alpha_regularizer, .constraint = options.alpha_constraint});
  }

  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::require_floating("PReLU", x);
    const Tensor given = sdk::usable(x, call.mask);
    return sdk::with_mask_of(call, relu(given) - alpha_ * relu(-given));
  }

 private:
  Tensor alpha_;
};

/// Rectified linear units with learned slopes; its options are PReLUOptions.
inline Layer PReLU(const PReLUOptions& options = {}) { return make_layer("PReLU", options); }
TEMPO_OPTIONS(Layer PReLU, PReLUOptions);

struct ELUOptions {
  double alpha = 1;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, ELUOptions& o) {
  option("alpha", o.alpha, "The least value, with the other sign.");
}

/// x above 0, below it alpha (e^x - 1) (Clevert et al., 2015).
class ELULayer : public LayerOf<ELUOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::require_floating("ELU", x);
    return sdk::with_mask_of(call, elu(sdk::usable(x, call.mask), options.alpha));
  }
};

/// Exponential linear units; its options are ELUOptions.
inline Layer ELU(const ELUOptions& options = {}) { return make_layer("ELU", options); }
TEMPO_OPTIONS(Layer ELU, ELUOptions);

struct SoftmaxOptions {
  Integers axis = -1;
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, SoftmaxOptions& o) {
  option("axis", sdk::as_list(o.axis), "Axes along which the shares add up to 1, as one.");
}

/// e^x / sum(e^x) over what the mask counts, 0 elsewhere. The mask has as many axes as the input,
/// of extent 1 where it is constant; one with fewer is of the first axes, [batch, time].
class SoftmaxLayer : public LayerOf<SoftmaxOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::require_floating("Softmax", x);
    const Axes axes = sdk::axes_after_batch("Softmax", "axis", options.axis, x.rank());
    if (axes.empty()) throw Error("Softmax: axis names none; -1 is the last.");
    const Tensor bare = sdk::without_mask(x);
    if (!call.mask) return shares(bare, axes);
    const Tensor counts = mask_for(x.shape(), call.mask);
    // If nothing counts, all numbers are -1e9, and their shares would not be 0.
    const Tensor y = where(counts, shares(where(counts, bare, -1e9), axes), 0);
    const bool of_steps = call.mask.handle() == mask_of(x).handle() || call.mask.rank() < x.rank();
    return of_steps ? with_mask(y, call.mask) : y;
  }

 private:
  static Tensor shares(const Tensor& x, const Axes& axes) {
    if (axes.size() == 1) return softmax(x, axes[0]);
    const Tensor e = exp(x - stop_gradient(max(x, axes, true)));
    return e / sum(e, axes, true);
  }
  static Tensor mask_for(const Shape& x, const Tensor& mask) {
    Shape shape = mask.shape();
    bool fits = mask.dtype() == bool_ && shape.rank() <= x.rank();
    for (int axis = 0; fits && axis < shape.rank(); ++axis)
      fits = shape[axis] == x[axis] || (shape[axis] == 1 && shape.rank() == x.rank());
    if (!fits)
      throw ShapeError("Softmax: the mask does not fit the input\n  input  " + to_string(x) +
                       "\n  mask   " + to_string(shape, mask.dtype()) +
                       "\n  It must be bool, with as many axes, 1 where it is the same along one; "
                       "or of the first axes, [batch, time].");
    while (shape.rank() < x.rank()) shape.push_back(1);
    return reshape(mask, shape);
  }
};

/// The softmax; its options are SoftmaxOptions.
inline Layer Softmax(const SoftmaxOptions& options = {}) { return make_layer("Softmax", options); }
TEMPO_OPTIONS(Layer Softmax, SoftmaxOptions);

}  // namespace tempo
