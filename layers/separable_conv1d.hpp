// SPDX-License-Identifier: Apache-2.0
// Convolutions over time of each feature by itself, alone or followed by a product with a matrix.
#pragma once

#include <tempo/layers/convolution_over_time.hpp>

namespace tempo TEMPO_HIDDEN {

struct DepthwiseConv1DOptions {
  int kernel_size = 0;
  int strides = 1;
  std::string padding = "valid";
  int depth_multiplier = 1;
  std::string data_format = "channels_last";
  int dilation_rate = 1;
  Activation activation = "linear";
  bool use_bias = true;
  Initializer depthwise_initializer = glorot_uniform();
  Initializer bias_initializer = zeros();
  Regularizer depthwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint bias_constraint = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

struct SeparableConv1DOptions {
  int filters = 0;
  int kernel_size = 0;
  int strides = 1;
  std::string padding = "valid";
  std::string data_format = "channels_last";
  int dilation_rate = 1;
  int depth_multiplier = 1;
  Activation activation = "linear";
  bool use_bias = true;
  Initializer depthwise_initializer = glorot_uniform();
  Initializer pointwise_initializer = glorot_uniform();
  Initializer bias_initializer = zeros();
  Regularizer depthwise_regularizer = {};
  Regularizer pointwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint pointwise_constraint = {};
  Constraint bias_constraint = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

inline void describe_depthwise(auto& option, auto& o) {
  describe_convolution(option, o);
  option("depth_multiplier", o.depth_multiplier, "How many sums are made of each feature.",
         at_least(1));
  option("depthwise_initializer", o.depthwise_initializer,
         "First values of depthwise_kernel [kernel_size, features, depth_multiplier].");
  option("depthwise_regularizer", o.depthwise_regularizer,
         "Penalty of depthwise_kernel, added to the loss.");
  option("depthwise_constraint", o.depthwise_constraint,
         "What depthwise_kernel fulfils after each update.");
}
inline void describe(auto& option, DepthwiseConv1DOptions& o) { describe_depthwise(option, o); }
inline void describe(auto& option, SeparableConv1DOptions& o) {
  option("filters", o.filters, "Size of the output at each step.", at_least(0));
  describe_depthwise(option, o);
  option("pointwise_initializer", o.pointwise_initializer,
         "First values of pointwise_kernel [1, depth_multiplier * features, filters].");
  option("pointwise_regularizer", o.pointwise_regularizer,
         "Penalty of pointwise_kernel, added to the loss.");
  option("pointwise_constraint", o.pointwise_constraint,
         "What pointwise_kernel fulfils after each update.");
}

/// Sums over the window of each feature alone, depth_multiplier of them side by side.
template <class Layer, class Options>
class DepthwiseOverTime : public ConvolutionOverTime<Layer, Options> {
 public:
  using ConvolutionOverTime<Layer, Options>::ConvolutionOverTime;

 protected:
  /// Adds depthwise_kernel; returns the number of sums of a step.
  int64_t add_depthwise(Weights& add, const Shape& input) {
    const Options& o = this->options;
    const int64_t features = this->features_of(input);
    kernel_ = add("depthwise_kernel", {o.kernel_size, features, o.depth_multiplier},
                  o.depthwise_initializer,
                  {.regularizer = o.depthwise_regularizer, .constraint = o.depthwise_constraint});
    return features * o.depth_multiplier;
  }
  Tensor depthwise(const Tensor& x) const {
    const Tensor seen = this->over_time_.windows_of(x);
    const Shape places = seen.shape(), kernel = kernel_.shape();
    const Tensor each = reshape(seen, {places[0], places[1], kernel[0], kernel[1], 1});
    return reshape(sum(each * kernel_, 2), {places[0], places[1], kernel[1] * kernel[2]});
  }

 private:
  Tensor kernel_;
};

/// y_t = activation(sum_j x_(t strides + j dilation_rate) depthwise_kernel_j + bias), feature by
/// feature.
class DepthwiseConv1DLayer
    : public DepthwiseOverTime<DepthwiseConv1DLayer, DepthwiseConv1DOptions> {
 public:
  static constexpr const char* who = "DepthwiseConv1D";
  DepthwiseConv1DLayer(DepthwiseConv1DOptions o = {}) : DepthwiseOverTime(std::move(o)) {}

  void build(Weights& add, const Shape& input) { add_bias(add, add_depthwise(add, input)); }
  Tensor sums(const Tensor& x) const { return depthwise(x); }
};

/// The same, followed by a product with pointwise_kernel, which mixes features (Chollet, 2017).
class SeparableConv1DLayer
    : public DepthwiseOverTime<SeparableConv1DLayer, SeparableConv1DOptions> {
 public:
  static constexpr const char* who = "SeparableConv1D";
  SeparableConv1DLayer(SeparableConv1DOptions o = {}) : DepthwiseOverTime(std::move(o)) {}

  void build(Weights& add, const Shape& input) {
    const int64_t sums = add_depthwise(add, input);
    pointwise_ = add(
        "pointwise_kernel", {1, sums, options.filters}, options.pointwise_initializer,
        {.regularizer = options.pointwise_regularizer, .constraint = options.pointwise_constraint});
    add_bias(add, options.filters);
  }
  Tensor sums(const Tensor& x) const {
    return matmul(depthwise(x), reshape(pointwise_, {-1, options.filters}));
  }

 private:
  Tensor pointwise_;
};

/// Convolution of each feature over time; its options are DepthwiseConv1DOptions.
inline Layer DepthwiseConv1D(const DepthwiseConv1DOptions& options) {
  return make_layer("DepthwiseConv1D", options);
}
TEMPO_OPTIONS(Layer DepthwiseConv1D, DepthwiseConv1DOptions);
/// Convolution of each feature, then of all at each step; its options are SeparableConv1DOptions.
inline Layer SeparableConv1D(const SeparableConv1DOptions& options) {
  return make_layer("SeparableConv1D", options);
}
TEMPO_OPTIONS(Layer SeparableConv1D, SeparableConv1DOptions);

}  // namespace tempo
