// SPDX-License-Identifier: Apache-2.0
// Applies a layer to each step of a sequence.
#pragma once

#include <tempo/layers/recurrence_checks.hpp>
#include <tempo/layers/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

struct TimeDistributedOptions {
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
  Layer layer = {};  ///< set by TimeDistributed(layer, options)
};

inline void describe(auto& option, TimeDistributedOptions& o) {
  option("layer", o.layer, "The layer that is applied to each step.");
}

/// Applies a layer to each step of x [batch, time, ...], as to batch * time samples. A mask [batch,
/// time] is kept. A layer that reads [batch, features] sees it as a mask of samples, [batch]; a
/// layer that reads sequences sees it as one of whole sequences. Of a mask with more axes, the
/// layer sees the part of each step, [batch, ...].
class TimeDistributedLayer : public LayerOf<TimeDistributedOptions> {
 public:
  TimeDistributedLayer(TimeDistributedOptions o = {}) : LayerOf(std::move(o)) {
    if (!options.layer)
      throw Error(
          "TimeDistributed: no layer is given.\n  TimeDistributed(Dense({.units = 32})) applies "
          "one.");
    if (options.layer.is_cell())
      throw Error("TimeDistributed: it applies a layer; " + options.layer.type_name() +
                  " is a cell.\n  RNN(cell) makes a layer of it.");
  }

  static constexpr bool takes_states = false;  // a step is no sequence

  void add_children(Children& add) { add(options.layer); }

  void build(Weights& add, const Shape& input) {
    options.layer.build({samples(input)}, add.dtype());
  }

  Tensors call(const Tensors& inputs, const CallOptions& call) const {
    if (inputs.size() != 1)
      throw Error("TimeDistributed: takes one input, got " + std::to_string(inputs.size()) + ".");
    const Tensor& x = inputs[0];
    const Shape all = samples(x.shape());
    CallOptions of_samples{.training = call.training, .constants = call.constants};
    if (call.mask) of_samples.mask = mask_of_samples(x, call.mask);
    const bool is_spread = call.mask && call.mask.rank() == 2 && x.rank() > 3;
    const Tensor mask = call.mask ? of_steps(call.mask) : Tensor{};
    const Tensor usable_x = sdk::usable(x, mask);
    Tensors out = options.layer.call({reshape(usable_x, all)}, of_samples);
    for (Tensor& y : out) y = over_time(y, x.shape(), mask, is_spread ? of_samples.mask : Tensor{});
    return out;
  }

 private:
  /// [batch * time, ...]
  static Shape samples(const Shape& x) {
    (void)recurrence::step_shape("TimeDistributed", x);
    Shape all = x.without_first();
    all[0] = x[0] * x[1];
    return all;
  }

  static Tensor mask_of_samples(const Tensor& x, const Tensor& mask) {
    const Shape shape = mask.shape();
    bool fits = mask.dtype() == bool_ && shape.rank() >= 2 && shape.rank() <= x.rank();
    for (int axis = 0; fits && axis < shape.rank(); ++axis) fits = shape[axis] == x.shape()[axis];
    if (!fits) recurrence::check_mask("TimeDistributed", mask, x.shape());
    Shape flat = shape.without_first();
    flat[0] = shape[0] * shape[1];
    const Tensor of_samples = reshape(mask, flat);
    if (shape.rank() > 2 || x.rank() == 3) return of_samples;
    return broadcast_to(expand_dims(of_samples, 1), {flat[0], x.shape()[2]});
  }
  /// Which steps count, [batch, time]: those with a part that counts.
  static Tensor of_steps(const Tensor& mask) {
    Axes rest;
    for (int axis = 2; axis < mask.rank(); ++axis) rest.push_back(axis);
    return rest.empty() ? mask : sum(cast(mask, float32), rest) > 0;
  }

  /// y [batch * time, ...] as [batch, time, ...], with its own mask; with the mask of the steps if
  /// it has none, or if its mask is `spread`, which is constant within a step.
  static Tensor over_time(const Tensor& y, const Shape& x, const Tensor& mask,
                          const Tensor& spread) {
    const auto apart = [&](const Tensor& t) {
      Shape shape{x[0], x[1]};
      for (int axis = 1; axis < t.rank(); ++axis) shape.push_back(t.shape()[axis]);
      return reshape(t, shape);
    };
    const Tensor own = mask_of(y);
    if (own && !(spread && own.handle() == spread.handle())) return with_mask(apart(y), apart(own));
    return mask ? with_mask(apart(y), mask) : apart(y);
  }
};

/// Applies a layer to each step of a sequence.
inline Layer TimeDistributed(const Layer& layer, TimeDistributedOptions options = {}) {
  options.layer = layer;
  return make_layer("TimeDistributed", options);
}
TEMPO_OPTIONS(Layer TimeDistributed, TimeDistributedOptions, const Layer&);

}  // namespace tempo
