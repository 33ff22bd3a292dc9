// SPDX-License-Identifier: Apache-2.0
// An LSTM whose products are convolutions, over one, two or three spatial axes: the cell and the
// layers.
#pragma once

#include <tempo/layers/convolution.hpp>
#include <tempo/layers/recurrence.hpp>

namespace tempo TEMPO_HIDDEN {

struct ConvLSTMOptions {
  int filters = 0;
  Shape kernel_size = {};
  Shape strides = {1};
  std::string padding = "valid";
  std::string data_format = "channels_last";
  Shape dilation_rate = {1};
  Activation activation = "tanh";
  Activation recurrent_activation = "sigmoid";
  bool use_bias = true;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  Initializer kernel_initializer = glorot_uniform();
  Initializer recurrent_initializer = orthogonal();
  Initializer bias_initializer = zeros();
  bool unit_forget_bias = true;
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  bool zero_output_for_mask = false;
  bool recompute = false;
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

/// Long short-term memory with a convolution in place of each product (Shi et al., 2015, without
/// peepholes), over `axes` spatial axes: a step reads [batch, spatial axes, channels] and its
/// states are [batch, places, filters]. The input goes through kernel [sizes, channels, 4 *
/// filters], with strides, padding and dilation; the state through recurrent_kernel [sizes,
/// filters, 4 * filters], with zeros around it that keep its places. Gates lie side by side in the
/// order i, f, g, o.
template <int axes>
class ConvLSTMCell : public Cell<ConvLSTMOptions> {
 public:
  static constexpr int state_count = 2;

  ConvLSTMCell(ConvLSTMOptions o = {}) : Cell(std::move(o)) {
    if (options.filters < 1) not_set("filters");
    if (options.kernel_size.empty()) not_set("kernel_size");
    of_input_ = {.size = sizes("kernel_size", options.kernel_size),
                 .strides = sizes("strides", options.strides),
                 .dilation = sizes("dilation_rate", options.dilation_rate),
                 .padding = options.padding};
    const std::vector<int64_t> ones(axes, 1);
    if (of_input_.strides != ones && of_input_.dilation != ones)
      throw Error(who() + ": strides is " + to_string(options.strides) + " and dilation_rate " +
                  to_string(options.dilation_rate) + ".\n  One of them must be 1.");
    of_state_ = {.size = of_input_.size, .strides = ones, .dilation = ones, .padding = "same"};
  }

  static void describe(auto& option, ConvLSTMOptions& o) {
    option("filters", o.filters, "Size of the output and of each state at each place.",
           at_least(0));
    option("kernel_size", o.kernel_size,
           "How many places an output reads along each spatial axis, or along all of them.");
    option("strides", o.strides, "How many places the kernel moves on over the input.");
    option(
        "padding", o.padding,
        "What lies around the input: nothing, or as many zeros as give an output for each place.",
        one_of("valid|same"));
    option("data_format", o.data_format,
           "The order of the axes: [batch, time, spatial axes, channels].",
           one_of("channels_last"));
    option("dilation_rate", o.dilation_rate,
           "How many places those that an output reads are apart.");
    option("activation", o.activation, "Of the candidate and the output.");
    option("recurrent_activation", o.recurrent_activation, "Of the gates i, f and o.");
    option("use_bias", o.use_bias, "Whether a bias is added.");
    option("kernel_initializer", o.kernel_initializer,
           "First values of kernel [sizes, channels, 4 * filters], which reads the input.");
    option(
        "recurrent_initializer", o.recurrent_initializer,
        "First values of recurrent_kernel [sizes, filters, 4 * filters], which reads the state.");
    option("bias_initializer", o.bias_initializer, "First values of bias.");
    option("unit_forget_bias", o.unit_forget_bias, "Whether the bias of the gate f starts as 1.");
    describe_recurrent_rules(option, o);
  }

  void build(Weights& add, const Shape& input) {
    require_rank(input);
    const int64_t filters = options.filters;
    Shape of_kernel(of_input_.size.begin(), of_input_.size.end()), of_recurrent = of_kernel;
    for (const int64_t extent : {input.back(), 4 * filters}) of_kernel.push_back(extent);
    for (const int64_t extent : {filters, 4 * filters}) of_recurrent.push_back(extent);
    const RecurrentRules rules(options);
    kernel = add("kernel", of_kernel, options.kernel_initializer, rules.kernel);
    recurrent_kernel =
        add("recurrent_kernel", of_recurrent, options.recurrent_initializer, rules.recurrent);
    if (options.use_bias) bias = add("bias", first_bias(add.dtype()), rules.bias);
  }

  Shapes state_shapes(const Shapes& inputs) const {
    const Shape& x = inputs.at(0);
    require_rank(x);
    Shape state{x[0]};
    for (int i = 0; i < axes; ++i) {
      state.push_back(of_input_.places(i, x[1 + i]));
      if (state.back() < 1)
        throw ShapeError(who() + ": the kernel reaches over " + std::to_string(of_input_.reach(i)) +
                         " places of spatial axis " + std::to_string(i) + ", and the input has " +
                         std::to_string(x[1 + i]) +
                         ".\n  .padding = \"same\" puts zeros around it.");
    }
    state.push_back(options.filters);
    return {state, state};
  }

  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c] = s.as<2>();
    auto [i, f, g, o] =
        split<4>(biased(of_input_(x, kernel) + of_state_(h, recurrent_kernel), bias));
    Tensor next_c = options.recurrent_activation(f) * c +
                    options.recurrent_activation(i) * options.activation(g);
    Tensor next_h = options.recurrent_activation(o) * options.activation(next_c);
    return {.output = next_h, .state = {next_h, next_c}};
  }

  Tensor kernel, recurrent_kernel, bias;

 private:
  static std::string who() { return "ConvLSTM" + std::to_string(axes) + "D"; }
  [[noreturn]] static void not_set(const char* option) {
    throw Error(who() + ": " + option + " is not set.\n  Give both: " + who() +
                "({.filters = 32, .kernel_size = {3}}), or {\"" + option + "\", 3} by name.");
  }
  // An entry for each axis, from one for each or one for all.
  static std::vector<int64_t> sizes(const char* option, const Shape& given) {
    const bool positive = std::all_of(given.begin(), given.end(), [](int64_t n) { return n > 0; });
    if ((given.rank() != 1 && given.rank() != axes) || !positive)
      throw Error(who() + ": " + option + " is " + to_string(given) + "; it must be " +
                  (axes == 1 ? "one number" : "one number, or " + std::to_string(axes)) +
                  ", at least 1.");
    return given.rank() == axes ? std::vector<int64_t>(given.begin(), given.end())
                                : std::vector<int64_t>(axes, given[0]);
  }
  static void require_rank(const Shape& step) {
    static constexpr const char* spatial[] = {"steps", "rows, columns", "planes, rows, columns"};
    if (step.rank() != axes + 2)
      throw ShapeError(who() + ": needs [batch, time, " + spatial[axes - 1] +
                       ", channels], got steps of " + to_string(step) +
                       ".\n  expand_dims(x, -1) makes a channel of each number.");
  }
  Tensor first_bias(DType dtype) const {
    const auto& initial = options.bias_initializer;
    const int64_t filters = options.filters;
    if (!options.unit_forget_bias) return initial({4 * filters}, dtype);
    return concat(
        {initial({filters}, dtype), ones({filters}, dtype), initial({2 * filters}, dtype)});
  }

  Convolution of_input_, of_state_;
};

inline void describe(auto& option, ConvLSTMOptions& o) {
  ConvLSTMCell<1>::describe(option, o);
  describe_recurrence(option, o);
}

struct ConvLSTM1DCell : ConvLSTMCell<1> {
  using ConvLSTMCell::ConvLSTMCell;
};
struct ConvLSTM2DCell : ConvLSTMCell<2> {
  using ConvLSTMCell::ConvLSTMCell;
};
struct ConvLSTM3DCell : ConvLSTMCell<3> {
  using ConvLSTMCell::ConvLSTMCell;
};

struct ConvLSTM1DLayer : Recurrent<ConvLSTM1DCell> {
  using Recurrent::Recurrent;
};
struct ConvLSTM2DLayer : Recurrent<ConvLSTM2DCell> {
  using Recurrent::Recurrent;
};
struct ConvLSTM3DLayer : Recurrent<ConvLSTM3DCell> {
  using Recurrent::Recurrent;
};

/// A convolutional LSTM over [batch, time, steps, channels]; its states are h and c.
inline Layer ConvLSTM1D(const ConvLSTMOptions& options) {
  return make_layer("ConvLSTM1D", options);
}
TEMPO_OPTIONS(Layer ConvLSTM1D, ConvLSTMOptions);
/// A convolutional LSTM over [batch, time, rows, columns, channels].
inline Layer ConvLSTM2D(const ConvLSTMOptions& options) {
  return make_layer("ConvLSTM2D", options);
}
TEMPO_OPTIONS(Layer ConvLSTM2D, ConvLSTMOptions);
/// A convolutional LSTM over [batch, time, planes, rows, columns, channels].
inline Layer ConvLSTM3D(const ConvLSTMOptions& options) {
  return make_layer("ConvLSTM3D", options);
}
TEMPO_OPTIONS(Layer ConvLSTM3D, ConvLSTMOptions);

}  // namespace tempo
