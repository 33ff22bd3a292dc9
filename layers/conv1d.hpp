// SPDX-License-Identifier: Apache-2.0
// Convolution over time.
#pragma once

#include <tempo/layers/convolution_over_time.hpp>

namespace tempo TEMPO_HIDDEN {

struct Conv1DOptions {
  int filters = 0;
  int kernel_size = 0;
  int strides = 1;
  std::string padding = "valid";
  std::string data_format = "channels_last";
  int dilation_rate = 1;
  int groups = 1;
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

inline void describe(auto& option, Conv1DOptions& o) {
  option("filters", o.filters, "Size of the output at each step.", at_least(0));
  describe_convolution(option, o);
  option("groups", o.groups,
         "How many parts the features come in; the filters of a part read its features alone.",
         at_least(1));
  option("kernel_initializer", o.kernel_initializer,
         "First values of kernel [kernel_size, features / groups, filters].");
  option("kernel_regularizer", o.kernel_regularizer, "Penalty of kernel, added to the loss.");
  option("kernel_constraint", o.kernel_constraint, "What kernel fulfils after each update.");
}

/// y_t = activation(sum_j x_(t strides + j dilation_rate) kernel_j + bias), on x [batch, time,
/// features] (causal and dilated: van den Oord et al., 2016). For masks see ConvolutionOverTime.
class Conv1DLayer : public ConvolutionOverTime<Conv1DLayer, Conv1DOptions> {
 public:
  static constexpr const char* who = "Conv1D";
  Conv1DLayer(Conv1DOptions o = {}) : ConvolutionOverTime(std::move(o)) {}

  void build(Weights& add, const Shape& input) {
    const int64_t groups = options.groups, features = features_of(input);
    for (const auto& [what, size] : {std::pair{"features of the input", features},
                                     std::pair{"filters", int64_t{options.filters}}})
      if (size % groups != 0)
        throw ShapeError("Conv1D: the " + std::string(what) + ", " + std::to_string(size) +
                         ", do not divide into " + std::to_string(groups) +
                         " groups.\n  groups must divide the features and the filters.");
    kernel_ =
        add("kernel", {options.kernel_size, features / groups, options.filters},
            options.kernel_initializer,
            {.regularizer = options.kernel_regularizer, .constraint = options.kernel_constraint});
    add_bias(add, options.filters);
  }

  Tensor sums(const Tensor& x) const {
    if (options.groups == 1) return over_time_(x, kernel_);
    const auto n = static_cast<std::size_t>(options.groups);
    const Tensors parts = split(x, std::vector<int64_t>(n, x.shape().back() / options.groups), -1),
                  kernels =
                      split(kernel_, std::vector<int64_t>(n, options.filters / options.groups), -1);
    Tensors out;
    for (std::size_t i = 0; i < n; ++i) out.push_back(over_time_(parts[i], kernels[i]));
    return concat(out, -1);
  }

 private:
  Tensor kernel_;
};

/// Convolution over time; its options are Conv1DOptions.
inline Layer Conv1D(const Conv1DOptions& options) { return make_layer("Conv1D", options); }
TEMPO_OPTIONS(Layer Conv1D, Conv1DOptions);

}  // namespace tempo
