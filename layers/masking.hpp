// SPDX-License-Identifier: Apache-2.0
// Marks the steps that are padding.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

struct MaskingOptions {
  double mask_value = 0;
  Regularizer activity_regularizer = {};
  std::string name = "";
};

inline void describe(auto& option, MaskingOptions& o) {
  option("mask_value", o.mask_value, "What padding is filled with; it may be NaN.");
}

/// Sets a mask for the layers after it: a step of [batch, time, features] does not count, and
/// becomes 0, if all of its features are mask_value.
class MaskingLayer : public LayerOf<MaskingOptions> {
 public:
  using LayerOf::LayerOf;

  void build(Weights&, const Shape& input) {
    if (input.rank() < 3)
      throw ShapeError("Masking: needs [batch, time, features], got " + to_string(input) + ".");
  }

  Tensor call(const Tensor& x, const CallOptions&) const {
    Axes features;
    for (int axis = 2; axis < x.rank(); ++axis) features.push_back(axis);
    const Tensor counts = sum(cast(differs(x), float32), features, true) > 0;
    return with_mask(where(counts, x, 0), reshape(counts, {x.shape()[0], x.shape()[1]}));
  }

 private:
  /// Whether each element is not mask_value. If that is NaN: x == x is false at NaN alone.
  Tensor differs(const Tensor& x) const {
    const double value = options.mask_value;
    if (!is_floating(x.dtype()) && !(std::isfinite(value) && value == std::floor(value)))
      throw Error("Masking: mask_value is " + sdk::shortest(value) + "; the input is " +
                  to_string(x.shape(), x.dtype()) +
                  ", no element of which can be that.\n  cast(x, float32) makes numbers of it.");
    return std::isnan(value) ? equal(x, x) : not_equal(x, value);
  }
};

/// Marks the steps that are padding; its options are MaskingOptions.
inline Layer Masking(const MaskingOptions& options = {}) { return make_layer("Masking", options); }
TEMPO_OPTIONS(Layer Masking, MaskingOptions);

}  // namespace tempo
