// SPDX-License-Identifier: Apache-2.0
// The common part of layers that read windows of a sequence: options, masks and orders of axes.
#pragma once

#include <tempo/layers/convolution.hpp>
#include <tempo/layers/recurrence_checks.hpp>
#include <tempo/layers/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

/// The options of a window, and of the activation and bias after it.
inline void describe_convolution(auto& option, auto& o) {
  option("kernel_size", o.kernel_size, "How many steps an output reads.", at_least(0));
  option("strides", o.strides, "How many steps the window moves on.", at_least(1));
  option(
      "padding", o.padding,
      "What lies around the sequence: nothing, as many zeros on both sides as give an output for "
      "each step, or those before it alone, so that no output reads a later step.",
      one_of("valid|same|causal"));
  sdk::describe_data_format(option, o);
  option("dilation_rate", o.dilation_rate, "How many steps those that an output reads are apart.",
         at_least(1));
  option("activation", o.activation, "Of the output.");
  option("use_bias", o.use_bias, "Whether a bias is added.");
  option("bias_initializer", o.bias_initializer, "First values of bias, one for each feature.");
  option("bias_regularizer", o.bias_regularizer, "Penalty of bias, added to the loss.");
  option("bias_constraint", o.bias_constraint, "What bias fulfils after each update.");
}

/// activation(z + bias). `Layer` has `Tensor sums(const Tensor& x) const`, the z of x [batch, time,
/// features], and `who`, its name.
///
/// Masked steps are read as 0, like the padding around a sequence. With padding, an output has the
/// mask of the step at which it stands; without, it counts if all steps that it reads count. (Keras
/// drops the mask here.)
template <class Layer, class Options>
class ConvolutionOverTime : public LayerOf<Options> {
 public:
  ConvolutionOverTime(Options o) : LayerOf<Options>(std::move(o)) {
    const Options& given = this->options;
    if constexpr (requires { given.filters; }) require("filters", given.filters, 32);
    require("kernel_size", given.kernel_size, 3);
    if (given.strides > 1 && given.dilation_rate > 1)
      throw Error(std::string(Layer::who) + ": strides is " + std::to_string(given.strides) +
                  " and dilation_rate " + std::to_string(given.dilation_rate) +
                  ".\n  One of them must be 1.");
    over_time_ = {.size = {given.kernel_size},
                  .strides = {given.strides},
                  .dilation = {given.dilation_rate},
                  .padding = given.padding};
  }

  Tensor call(const Tensor& x, const CallOptions& call) const {
    require_sequence(x.shape());
    if (channels_come_last()) return over_steps(x, call);
    const Tensor y = over_steps(sdk::reordered(x, this->options.data_format), call);
    return sdk::reordered(y, this->options.data_format);
  }

 protected:
  /// The number of features of the input.
  int64_t features_of(const Shape& input) const {
    require_sequence(input);
    return channels_come_last() ? input[2] : input[1];
  }
  void add_bias(Weights& add, int64_t features) {
    const Options& o = this->options;
    if (o.use_bias)
      bias_ = add("bias", {features}, o.bias_initializer,
                  {.regularizer = o.bias_regularizer, .constraint = o.bias_constraint});
  }

  Convolution over_time_;

 private:
  bool channels_come_last() const { return this->options.data_format == "channels_last"; }

  Tensor over_steps(const Tensor& given, const CallOptions& call) const {
    if (over_time_.places(0, given.shape()[1]) < 1 && this->options.padding == "valid")
      throw ShapeError(std::string(Layer::who) + ": the kernel reaches over " +
                       std::to_string(over_time_.reach(0)) + " steps, and the input has " +
                       std::to_string(given.shape()[1]) +
                       ".\n  .padding = \"same\" or \"causal\" puts zeros around it.");
    const Tensor x = call.mask ? without_masked(given, call.mask) : given;
    const Tensor z = static_cast<const Layer&>(*this).sums(x);
    const Tensor y = this->options.activation(bias_ ? z + bias_ : z);
    return call.mask ? with_mask(y, mask_of_outputs(call.mask)) : y;
  }

  static void require(const char* option, int given, int example) {
    constexpr bool has_filters = requires(Options o) { o.filters; };
    if (given < 1)
      throw Error(std::string(Layer::who) + ": " + option + " is not set.\n  Give " +
                  (has_filters ? "both: " : "it: ") + Layer::who + "({" +
                  (has_filters ? ".filters = 32, " : "") + ".kernel_size = 3}), or {\"" + option +
                  "\", " + std::to_string(example) + "} by name.");
  }
  static void require_sequence(const Shape& x) {
    if (x.rank() != 3)
      throw ShapeError(
          std::string(Layer::who) + ": needs [batch, time, features], got " + to_string(x) +
          ".\n  expand_dims(x, -1) makes a feature of each number, expand_dims(x, 0) a "
          "batch of one sequence.");
  }
  static Tensor without_masked(const Tensor& x, const Tensor& mask) {
    recurrence::check_mask(Layer::who, mask, x.shape());
    static const sdk::Op counted_steps("counted_steps");
    return counted_steps(x, mask, {{"borrow", false}});
  }

  // With padding, the mask of the step at which a window stands; without, all its steps must count.
  Tensor mask_of_outputs(const Tensor& mask) const {
    const int64_t time = mask.shape()[1];
    if (this->options.padding != "valid" && this->options.strides == 1) return mask;
    Convolution at = over_time_;
    if (this->options.padding != "valid") {
      at.size = {1};
      at.padding = "same";
    }
    const Tensor seen = at.windows_of(reshape(cast(mask, int32), {-1, time, 1}));
    return min(seen, -1) > 0;
  }

  Tensor bias_;
};

}  // namespace tempo
