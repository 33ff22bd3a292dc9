// SPDX-License-Identifier: Apache-2.0
// Transposed convolution over time: the result has more steps.
#pragma once

#include <tempo/layers/recurrence_checks.hpp>
#include <tempo/layers/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

struct Conv1DTransposeOptions {
  int filters = 0;
  int kernel_size = 0;
  int strides = 1;
  std::string padding = "valid";
  int output_padding = -1;
  std::string data_format = "channels_last";
  int dilation_rate = 1;
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

inline void describe(auto& option, Conv1DTransposeOptions& o) {
  option("filters", o.filters, "Size of the output at each step.", at_least(0));
  option("kernel_size", o.kernel_size, "How many outputs a step is spread over.", at_least(0));
  option("strides", o.strides, "How many outputs there are from a step to the next.", at_least(1));
  option("padding", o.padding,
         "valid: all outputs; same: strides of them for each step, cut off at both ends.",
         one_of("valid|same"));
  option("output_padding", o.output_padding,
         "Outputs at the end besides those that steps reach, less than strides; -1: as many as "
         "padding says.",
         at_least(-1));
  sdk::describe_data_format(option, o);
  option("dilation_rate", o.dilation_rate, "How many outputs those of a step are apart.",
         at_least(1));
  option("activation", o.activation, "Of the output.");
  option("use_bias", o.use_bias, "Whether a bias is added.");
  option("kernel_initializer", o.kernel_initializer,
         "First values of kernel [kernel_size, filters, features].");
  option("bias_initializer", o.bias_initializer, "First values of bias [filters].");
  option("kernel_regularizer", o.kernel_regularizer, "Penalty of kernel, added to the loss.");
  option("bias_regularizer", o.bias_regularizer, "Penalty of bias, added to the loss.");
  option("kernel_constraint", o.kernel_constraint, "What kernel fulfils after each update.");
  option("bias_constraint", o.bias_constraint, "What bias fulfils after each update.");
}

/// y_(t strides + j dilation_rate) = activation(the sum of kernel_j x_t over all t and j that meet
/// there, + bias): the gradient of Conv1D as a layer (Zeiler et al., 2010), [batch, time, features]
/// to [batch, time', filters]. Masked steps are read as 0, and the mask is dropped, as in Keras.
class Conv1DTransposeLayer : public LayerOf<Conv1DTransposeOptions> {
 public:
  Conv1DTransposeLayer(Conv1DTransposeOptions o = {}) : LayerOf(std::move(o)) {
    for (const auto& [option, given] :
         {std::pair{"filters", options.filters}, std::pair{"kernel_size", options.kernel_size}})
      if (given < 1)
        throw Error(std::string("Conv1DTranspose: ") + option +
                    " is not set.\n  Give both: Conv1DTranspose({.filters = 32, .kernel_size = "
                    "3}), or {\"" +
                    option + "\", 3} by name.");
    if (options.strides > 1 && options.dilation_rate > 1)
      throw Error("Conv1DTranspose: strides is " + std::to_string(options.strides) +
                  " and dilation_rate " + std::to_string(options.dilation_rate) +
                  ".\n  One of them must be 1.");
    if (options.output_padding >= options.strides)
      throw Error("Conv1DTranspose: output_padding is " + std::to_string(options.output_padding) +
                  ", and strides " + std::to_string(options.strides) +
                  ".\n  It must be less than strides.");
  }

  void build(Weights& add, const Shape& input) {
    require_sequence(input);
    const int64_t features = options.data_format == "channels_last" ? input[2] : input[1];
    kernel_ =
        add("kernel", {options.kernel_size, options.filters, features}, options.kernel_initializer,
            {.regularizer = options.kernel_regularizer, .constraint = options.kernel_constraint});
    if (options.use_bias)
      bias_ = add("bias", {options.filters}, options.bias_initializer,
                  {.regularizer = options.bias_regularizer, .constraint = options.bias_constraint});
  }

  Tensor call(const Tensor& given, const CallOptions& call) const {
    require_sequence(given.shape());
    Tensor x = sdk::reordered(given, options.data_format);
    if (call.mask) x = where(sdk::mask_of_steps("Conv1DTranspose", x, call.mask), x, 0);
    const int64_t time = x.shape()[1];
    const auto [before, count] = kept(time);
    const Tensor spread = matmul(sdk::without_mask(x), reshape(kernel_, {-1, x.shape()[2]}), false,
                                 true);  // [batch, time, kernel_size * filters]
    const int64_t all = std::max((time - 1) * options.strides + reach(), before + count);
    Tensor y =
        overlap_add(spread, 1, options.kernel_size, options.strides, options.dilation_rate, all);
    if (before > 0 || count < all) y = slice(y, 1, before, before + count);
    return sdk::reordered(options.activation(bias_ ? y + bias_ : y), options.data_format);
  }

 private:
  static void require_sequence(const Shape& x) {
    if (x.rank() != 3)
      throw ShapeError("Conv1DTranspose: needs [batch, time, features], got " + to_string(x) + ".");
  }
  int64_t reach() const { return int64_t{options.kernel_size - 1} * options.dilation_rate + 1; }

  /// The number of outputs that are cut off in front, and the number that stay, as in Keras.
  std::pair<int64_t, int64_t> kept(int64_t time) const {
    const int64_t stride = options.strides, size = reach(), more = options.output_padding,
                  to_last = (time - 1) * stride;
    if (options.padding == "valid")
      return {0, to_last + (more < 0 ? std::max(size, stride) : size + more)};
    const int64_t padding = more < 0 ? stride + size - 2 : size + size % 2 - 2 + more,
                  left = std::min(padding / 2 + padding % 2, size - 1);
    return {size - 1 - left, more < 0 ? time * stride : to_last + size % 2 + more};
  }

  Tensor kernel_, bias_;
};

/// Transposed convolution over time; its options are Conv1DTransposeOptions.
inline Layer Conv1DTranspose(const Conv1DTransposeOptions& options) {
  return make_layer("Conv1DTranspose", options);
}
TEMPO_OPTIONS(Layer Conv1DTranspose, Conv1DTransposeOptions);

}  // namespace tempo
