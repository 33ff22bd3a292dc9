// SPDX-License-Identifier: Apache-2.0
// Convolution over time.
#pragma once

#include <tempo/layers/convolution.hpp>
#include <tempo/layers/recurrence_checks.hpp>

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
  option("kernel_size", o.kernel_size, "How many steps an output reads.", at_least(0));
  option("strides", o.strides, "How many steps the window moves on.", at_least(1));
  option(
      "padding", o.padding,
      "What lies around the sequence: nothing, as many zeros on both sides as give an output for "
      "each step, or those before it alone, so that no output reads a later step.",
      one_of("valid|same|causal"));
  option("data_format", o.data_format, "The order of the axes: [batch, time, features].",
         one_of("channels_last"));
  option("dilation_rate", o.dilation_rate, "How many steps those that an output reads are apart.",
         at_least(1));
  option("groups", o.groups,
         "How many parts the features come in; the filters of a part read its features alone.",
         at_least(1));
  option("activation", o.activation, "Of the output.");
  option("use_bias", o.use_bias, "Whether a bias is added.");
  option("kernel_initializer", o.kernel_initializer,
         "First values of kernel [kernel_size, features / groups, filters].");
  option("bias_initializer", o.bias_initializer, "First values of bias [filters].");
  option("kernel_regularizer", o.kernel_regularizer, "Penalty of kernel, added to the loss.");
  option("bias_regularizer", o.bias_regularizer, "Penalty of bias, added to the loss.");
  option("kernel_constraint", o.kernel_constraint, "What kernel fulfils after each update.");
  option("bias_constraint", o.bias_constraint, "What bias fulfils after each update.");
}

/// y_t = activation(sum_j x_(t strides + j dilation_rate) kernel_j + bias), on x [batch, time,
/// features] (causal and dilated: van den Oord et al., 2016).
///
/// Masked steps are read as 0, which is what lies around a sequence. Of the mask, the steps that
/// outputs begin at are kept; without padding, an output counts if all steps that it reads do.
/// (Keras drops the mask here.)
class Conv1DLayer : public LayerOf<Conv1DOptions> {
 public:
  Conv1DLayer(Conv1DOptions o = {}) : LayerOf(std::move(o)) {
    require("filters", options.filters, 32);
    require("kernel_size", options.kernel_size, 3);
    if (options.strides > 1 && options.dilation_rate > 1)
      throw Error("Conv1D: strides is " + std::to_string(options.strides) + " and dilation_rate " +
                  std::to_string(options.dilation_rate) + ".\n  One of them must be 1.");
    over_time_ = {.size = {options.kernel_size},
                  .strides = {options.strides},
                  .dilation = {options.dilation_rate},
                  .padding = options.padding};
  }

  void build(Weights& add, const Shape& input) {
    require_sequence(input);
    const int64_t groups = options.groups;
    for (const auto& [what, size] : {std::pair{"features of the input", input.back()},
                                     std::pair{"filters", int64_t{options.filters}}})
      if (size % groups != 0)
        throw ShapeError("Conv1D: the " + std::string(what) + ", " + std::to_string(size) +
                         ", do not divide into " + std::to_string(groups) +
                         " groups.\n  groups must divide the features and the filters.");
    kernel_ =
        add("kernel", {options.kernel_size, input.back() / groups, options.filters},
            options.kernel_initializer,
            {.regularizer = options.kernel_regularizer, .constraint = options.kernel_constraint});
    if (options.use_bias)
      bias_ = add("bias", {options.filters}, options.bias_initializer,
                  {.regularizer = options.bias_regularizer, .constraint = options.bias_constraint});
  }

  Tensor call(const Tensor& given, const CallOptions& call) const {
    require_sequence(given.shape());
    if (over_time_.places(0, given.shape()[1]) < 1 && options.padding == "valid")
      throw ShapeError("Conv1D: the kernel reaches over " + std::to_string(over_time_.reach(0)) +
                       " steps, and the input has " + std::to_string(given.shape()[1]) +
                       ".\n  .padding = \"same\" or \"causal\" puts zeros around it.");
    const Tensor x = call.mask ? without_masked(given, call.mask) : given;
    const Tensor z = options.groups == 1 ? over_time_(x, kernel_) : in_groups(x);
    const Tensor y = options.activation(bias_ ? z + bias_ : z);
    return call.mask ? with_mask(y, mask_of_outputs(call.mask)) : y;
  }

 private:
  static void require(const char* option, int given, int example) {
    if (given < 1)
      throw Error(std::string("Conv1D: ") + option +
                  " is not set.\n  Give both: Conv1D({.filters = 32, .kernel_size = 3}), or {\"" +
                  option + "\", " + std::to_string(example) + "} by name.");
  }
  static void require_sequence(const Shape& x) {
    if (x.rank() != 3)
      throw ShapeError(
          "Conv1D: needs [batch, time, features], got " + to_string(x) +
          ".\n  expand_dims(x, -1) makes a feature of each number, expand_dims(x, 0) a "
          "batch of one sequence.");
  }
  static Tensor without_masked(const Tensor& x, const Tensor& mask) {
    recurrence::check_mask("Conv1D", mask, x.shape());
    static const sdk::Op counted_steps("counted_steps");
    return counted_steps(x, mask, {{"borrow", false}});
  }

  Tensor in_groups(const Tensor& x) const {
    const auto n = static_cast<std::size_t>(options.groups);
    const Tensors parts = split(x, std::vector<int64_t>(n, x.shape().back() / options.groups), -1),
                  kernels =
                      split(kernel_, std::vector<int64_t>(n, options.filters / options.groups), -1);
    Tensors out;
    for (std::size_t i = 0; i < n; ++i) out.push_back(over_time_(parts[i], kernels[i]));
    return concat(out, -1);
  }

  // Of a window that reaches over padding, the step that it stands at; else all of its steps.
  Tensor mask_of_outputs(const Tensor& mask) const {
    const int64_t time = mask.shape()[1];
    if (options.padding != "valid" && options.strides == 1) return mask;
    Convolution at = over_time_;
    if (options.padding != "valid") {
      at.size = {1};
      at.padding = "same";
    }
    const Tensor seen = at.windows_of(reshape(cast(mask, int32), {-1, time, 1}));
    return min(seen, -1) > 0;
  }

  Convolution over_time_;
  Tensor kernel_, bias_;
};

/// Convolution over time; its options are Conv1DOptions.
inline Layer Conv1D(const Conv1DOptions& options) { return make_layer("Conv1D", options); }
TEMPO_OPTIONS(Layer Conv1D, Conv1DOptions);

}  // namespace tempo
