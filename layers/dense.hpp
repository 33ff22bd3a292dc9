// SPDX-License-Identifier: Apache-2.0
// A fully connected layer.
#pragma once

#include <tempo/layers/sequences.hpp>
#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct DenseOptions {
  int units = 0;
  Activation activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = glorot_uniform();
  Initializer bias_initializer = zeros();
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
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
  option("kernel_regularizer", o.kernel_regularizer, "Penalty of kernel, added to the loss.");
  option("bias_regularizer", o.bias_regularizer, "Penalty of bias, added to the loss.");
  option("kernel_constraint", o.kernel_constraint, "What kernel fulfils after each update.");
  option("bias_constraint", o.bias_constraint, "What bias fulfils after each update.");
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
    kernel_ =
        add("kernel", {input.back(), options.units}, options.kernel_initializer,
            {.regularizer = options.kernel_regularizer, .constraint = options.kernel_constraint});
    if (options.use_bias)
      bias_ = add("bias", {options.units}, options.bias_initializer,
                  {.regularizer = options.bias_regularizer, .constraint = options.bias_constraint});
  }

  Tensor call(const Tensor& x, const CallOptions& call) const {
    Tensor z = matmul(sdk::usable(x, call.mask), kernel_);
    if (bias_) z = z + bias_;
    if (options.activation.name() != "linear") z = sdk::with_usable_gradient(z, call.mask);
    const Tensor y = options.activation(z);
    return call.mask ? with_mask(y, call.mask) : y;
  }

 private:
  Tensor kernel_, bias_;
};

/// A fully connected layer; its options are DenseOptions.
inline Layer Dense(const DenseOptions& options) { return make_layer("Dense", options); }
TEMPO_OPTIONS(Layer Dense, DenseOptions);

}  // namespace tempo
