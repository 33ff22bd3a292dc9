// SPDX-License-Identifier: Apache-2.0
// An LSTM with convolutions in place of its products, over one, two or three spatial axes: the cell
// and the layers.
#pragma once

#include <tempo/layers/convolution.hpp>
#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/recurrent_dropout.hpp>

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
  double dropout = 0;
  double recurrent_dropout = 0;
  int64_t seed = -1;
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
/// peepholes), over `axes` spatial axes. A step reads [batch, spatial axes, channels], and its
/// states are [batch, places, filters]. The input goes through kernel [sizes, channels, 4 *
/// filters], with strides, padding and dilation; the state goes through recurrent_kernel [sizes,
/// filters, 4 * filters], padded with zeros so that it keeps its places. Gates lie side by side in
/// the order i, f, g, o.
template <int axes>
class ConvLSTMCell : public CellWithDropout<ConvLSTMOptions> {
 public:
  static constexpr int state_count = 2;

  ConvLSTMCell(ConvLSTMOptions o = {}) : CellWithDropout(std::move(o)) {
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
           "The order of the axes: [batch, time, spatial axes, channels], or the channels before "
           "the spatial axes; states have it, too.",
           one_of("channels_last|channels_first"));
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
    describe_recurrent_dropout(option, o);
  }

  void build(Weights& add, const Shape& given) {
    require_rank(given);
    const Shape input = with_channels_last(given);
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
    require_rank(inputs.at(0));
    const Shape x = with_channels_last(inputs[0]);
    Shape state{x[0]};
    for (int i = 0; i < axes; ++i) {
      state.push_back(of_input_.places(i, x[1 + i]));
      if (state.back() < 1)
        throw ShapeError(who() + ": the kernel reaches over " + std::to_string(of_input_.reach(i)) +
                         " places of spatial axis " + std::to_string(i) + ", and the input has " +
                         std::to_string(x[1 + i]) +
                         ".\n  .padding = \"same\" puts zeros around it.");
    }
    if (channels_come_last()) {
      state.push_back(options.filters);
    } else {
      Shape first{x[0], options.filters};
      for (int i = 0; i < axes; ++i) first.push_back(state[1 + i]);
      state = first;
    }
    return {state, state};
  }

  /// The masks of dropout: a draw for each channel at each place.
  Tensors once(const StepCall& call) const { return masks(call, state_shapes(call.inputs)[0]); }

  Step step(const Tensor& input, const State& s, const StepCall& call) const {
    const auto& [state, c] = s.as<2>();
    const Tensor x = with_channels_last(dropped_input(input, call)),
                 h = with_channels_last(dropped_state(state, call));
    auto [i, f, g, o] = gates(biased(of_input_(x, kernel) + of_state_(h, recurrent_kernel), bias));
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
  // One entry for each axis, from a list of one for each, or from one for all.
  static std::vector<int64_t> sizes(const char* option, const Shape& given) {
    constexpr int64_t most = std::numeric_limits<int32_t>::max();  // as for options of one number
    const bool fit =
        std::all_of(given.begin(), given.end(), [](int64_t n) { return n >= 1 && n <= most; });
    if ((given.rank() != 1 && given.rank() != axes) || !fit)
      throw Error(who() + ": " + option + " is " + to_string(given) + "; it must be " +
                  (axes == 1 ? "one number" : "one number, or " + std::to_string(axes)) +
                  ", at least 1 and less than 2^31.");
    return given.rank() == axes ? std::vector<int64_t>(given.begin(), given.end())
                                : std::vector<int64_t>(axes, given[0]);
  }
  void require_rank(const Shape& step) const {
    static constexpr const char* spatial[] = {"steps", "rows, columns", "planes, rows, columns"};
    if (step.rank() == axes + 2) return;
    const std::string places = spatial[axes - 1];
    throw ShapeError(who() + ": needs [batch, time, " +
                     (channels_come_last() ? places + ", channels" : "channels, " + places) +
                     "], got steps of " + to_string(step) +
                     ".\n  expand_dims(x, -1) makes a channel of each number.");
  }

  bool channels_come_last() const { return options.data_format == "channels_last"; }
  Shape with_channels_last(const Shape& step) const {
    if (channels_come_last()) return step;
    Shape last{step[0]};
    for (int axis = 2; axis < step.rank(); ++axis) last.push_back(step[axis]);
    last.push_back(step[1]);
    return last;
  }
  Tensor with_channels_last(const Tensor& step) const {
    return channels_come_last() ? step : moved(step, 1, -1);
  }
  /// The four parts of z [batch, places, 4 * filters], ordered as states are.
  std::array<Tensor, 4> gates(const Tensor& z) const {
    std::array<Tensor, 4> parts = split<4>(z);
    if (!channels_come_last())
      for (Tensor& part : parts) part = moved(part, -1, 1);
    return parts;
  }
  /// x with one of its axes moved to another place.
  static Tensor moved(const Tensor& x, int from, int to) {
    Axes order;
    for (int axis = 0; axis < x.rank(); ++axis) order.push_back(axis);
    const int its = order[static_cast<std::size_t>(from < 0 ? from + x.rank() : from)];
    std::erase(order, its);
    order.insert(to < 0 ? order.end() : order.begin() + to, its);
    return transpose(x, order);
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
