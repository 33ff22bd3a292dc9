#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

struct MaskingOptions {
  double mask_value = 0;
  std::string name = "";
};

inline void describe(auto& option, MaskingOptions& o) {
  option("mask_value", o.mask_value, "What padding is filled with.");
}

/// Sets a mask for the layers behind: a step of [batch, time, features] whose features all are
/// mask_value does not count, and becomes 0.
class MaskingLayer : public LayerOf<MaskingOptions> {
 public:
  using LayerOf::LayerOf;

  void build(Weights&, const Shape& input) {
    if (input.rank() < 3)
      throw ShapeError("Masking: needs [batch, time, features], got " + to_string(input) + ".");
  }

  Tensor call(const Tensor& x, const CallOptions&) const {
    const Tensor counts = sum(cast(not_equal(x, options.mask_value), float32), -1, true) > 0;
    return with_mask(where(counts, x, 0), squeeze(counts, -1));
  }
};

/// Marks the steps that are padding; its options are MaskingOptions.
inline Layer Masking(const MaskingOptions& options = {}) { return make_layer("Masking", options); }

}  // namespace tempo
