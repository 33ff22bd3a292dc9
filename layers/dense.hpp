// SPDX-License-Identifier: Apache-2.0
// A fully connected layer.
#pragma once

#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct DenseOptions {
  int units = 0;
  Activation activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = glorot_uniform();
  Initializer bias_initializer = zeros();
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

inline void describe(auto& option, DenseOptions& o) {
  option("units", o.units, "Size of the output.", at_least(0));
  option("activation", o.activation, "Of the output.");
  option("use_bias", o.use_bias, "Whether a bias is added.");
  option("kernel_initializer", o.kernel_initializer, "First values of kernel [features, units].");
  option("bias_initializer", o.bias_initializer, "First values of bias [units].");
}

/// y = activation(x kernel + bias), on the last axis of [batch, ..., features].
class DenseLayer : public LayerOf<DenseOptions> {
 public:
  using LayerOf::LayerOf;

  void build(Weights& add, const Shape& input) {
    require_units("Dense", options.units);
    if (input.rank() < 2)
      throw ShapeError("Dense: needs [batch, ..., features], got " + to_string(input) +
                       ".\n  expand_dims(x, 0) makes a batch of one of it.");
    kernel_ = add("kernel", {input.back(), options.units}, options.kernel_initializer);
    if (options.use_bias) bias_ = add("bias", {options.units}, options.bias_initializer);
  }

  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor z = matmul(call.mask ? usable(x, call.mask) : x, kernel_);
    const Tensor y = options.activation(bias_ ? z + bias_ : z);
    return call.mask ? with_mask(y, call.mask) : y;
  }

 private:
  Tensor kernel_, bias_;
};

/// A fully connected layer; its options are DenseOptions.
inline Layer Dense(const DenseOptions& options) { return make_layer("Dense", options); }

}  // namespace tempo
