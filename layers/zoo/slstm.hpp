// SPDX-License-Identifier: Apache-2.0
// sLSTM of xLSTM: the cell and the layer.
#pragma once

#include <limits>

#include <tempo/einsum.hpp>
#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct SLSTMOptions {
  int units = 0;
  int heads = 4;
  std::string forget_activation = "sigmoid";
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool zero_output_for_mask = false;
  bool recompute = false;
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

/// sLSTM (Beck et al., 2024, xLSTM, equations 8 to 17): an LSTM with exponential gates, a
/// normaliser n, and a stabiliser m that keeps both finite; heads do not read each other. Weights
/// hold the gates z, i, f, o side by side, head after head. States are h, c, n and m, which begins
/// as -inf: the first step has nothing to forget. f begins as the sigmoid of 3 to 6, unit by unit
/// in each head, for either of its functions. The recurrent weights begin within 1 / sqrt(units /
/// heads) of 0, a choice of Tempo; in the authors' program they begin as 0.
class SLSTMCell : public Cell<SLSTMOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, SLSTMOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("heads", o.heads,
           "How many parts of units / heads the units are cut into; each part reads its own state "
           "alone.",
           at_least(1));
    option("forget_activation", o.forget_activation,
           "Of the forget gate: exponential, or sigmoid, which lets nothing grow.",
           one_of("sigmoid|exponential"));
  }

  static constexpr int step_rank = 2;
  Shapes state_shapes(int64_t batch) const {
    return Shapes(4, Shape{batch, options.heads, width()});
  }
  State initial(const StepCall& call) const {
    constexpr double none = -std::numeric_limits<double>::infinity();
    return {Tensor{}, Tensor{}, Tensor{}, full({1}, none, call.dtype)};
  }

  void build(Weights& add, const Shape& input) {
    require_units("SLSTM", options.units, 4);
    const int64_t heads = options.heads, columns = 4 * zoo::head_width("SLSTM", options);
    kernel = add("kernel", {input.back(), heads * columns}, glorot_uniform());
    recurrent = add("recurrent", {heads, width(), columns}, zoo::spread(width()));
    const DType dtype = add.dtype();
    const Tensor f = broadcast_to(
        zoo::forget_bias(options.forget_activation, zoo::linspace(3, 6, width(), dtype)),
        {heads, width()});
    const Tensor none = zeros({heads, width()}, dtype);
    bias = add("bias", concat({none, none, f, none}));
  }

  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c, n, m] = s.as<4>();  // each [batch, heads, width]
    Tensor raw =
        zoo::heads(matmul(x, kernel), options.heads) + bias + einsum("bhd,hde->bhe", h, recurrent);
    auto [z, i, raw_f, o] = split<4>(raw);
    Tensor f = zoo::log_forget(options.forget_activation, raw_f);
    Tensor next_m = maximum(f + m, i);
    Tensor keep = exp(f + m - next_m), write = exp(i - next_m);
    Tensor next_c = keep * c + write * tanh(z), next_n = keep * n + write;
    Tensor next_h = sigmoid(o) * next_c / next_n;
    return {.output = zoo::joined(next_h), .state = {next_h, next_c, next_n, next_m}};
  }

  Tensor kernel, recurrent, bias;

 private:
  int64_t width() const { return options.units / options.heads; }
};

inline void describe(auto& option, SLSTMOptions& o) {
  SLSTMCell::describe(option, o);
  describe_recurrence(option, o);
}

class SLSTMLayer : public Recurrent<SLSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// SLSTM over a sequence; its options are SLSTMOptions.
inline Layer SLSTM(const SLSTMOptions& options) { return make_layer("SLSTM", options); }
TEMPO_OPTIONS(Layer SLSTM, SLSTMOptions);

}  // namespace tempo
