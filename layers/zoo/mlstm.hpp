// SPDX-License-Identifier: Apache-2.0
// mLSTM of xLSTM: the cell and the layer.
#pragma once

#include <cmath>
#include <limits>

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct MLSTMOptions {
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

/// mLSTM (Beck et al., 2024, xLSTM, equations 19 to 27): a memory matrix for each head; exponential
/// gates write a value to it under a key, and a query reads it. Weights hold q, k, v and o side by
/// side, head after head, and the gates i and f of each head. States are C [batch, heads, value,
/// key], n [batch, heads, key] and m [batch, heads], which begins as -inf. As in the authors'
/// program, the gates do not read x at first: f begins as the sigmoid of 3 to 6, head by head, for
/// either of its functions, and i with a bias near 0.
class MLSTMCell : public Cell<MLSTMOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, MLSTMOptions& o) {
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
    const int64_t heads = options.heads, width = options.units / heads;
    return {{batch, heads, width, width}, {batch, heads, width}, {batch, heads}};
  }
  State initial(const StepCall& call) const {
    constexpr double none = -std::numeric_limits<double>::infinity();
    return {Tensor{}, Tensor{}, full({1}, none, call.dtype)};
  }

  void build(Weights& add, const Shape& input) {
    require_units("MLSTM", options.units, 4);
    const int64_t heads = options.heads, columns = 4 * zoo::head_width("MLSTM", options);
    kernel = add("kernel", {input.back(), heads * columns}, glorot_uniform());
    bias = add("bias", {heads * columns}, zeros());
    gate_kernel = add("gate_kernel", {input.back(), 2 * heads}, zeros());
    const DType dtype = add.dtype();
    const Tensor f = zoo::forget_bias(options.forget_activation, zoo::linspace(3, 6, heads, dtype));
    gate_bias = add("gate_bias", concat({random_normal({heads}, 0, 0.1, dtype), f}));
  }

  Step step(const Tensor& x, const State& s) const {
    const auto& [C, n, m] = s.as<3>();
    const int64_t heads = options.heads, width = options.units / heads;
    auto [Wq, Wk, Wv, Wo] = split<4>(zoo::heads(matmul(x, kernel), heads));
    auto [bq, bk, bv, bo] = split<4>(reshape(bias, {heads, 4 * width}));
    Tensor q = Wq + bq, k = Wk / std::sqrt(static_cast<double>(width)) + bk, v = Wv + bv;
    auto [i, raw_f] = split<2>(matmul(x, gate_kernel) + gate_bias);  // [batch, heads]
    Tensor f = zoo::log_forget(options.forget_activation, raw_f);
    Tensor next_m = maximum(f + m, i);
    Tensor keep = expand_dims(exp(f + m - next_m), -1), write = expand_dims(exp(i - next_m), -1);
    Tensor next_C = expand_dims(keep, -1) * C + zoo::outer(write * v, k);
    Tensor next_n = keep * n + write * k;
    // C q / max(|n q|, 1) from e^-m C and e^-m n: below m = 0, both sides are times e^m, so that no
    // power is above 1. The divisor is at least 1e-6, which the authors' program adds to it.
    const Tensor m_now = expand_dims(next_m, -1), low = minimum(m_now, 0);
    Tensor normal = maximum(abs(sum(next_n * q, -1, true)) * exp(low), exp(low - m_now));
    Tensor h = sigmoid(Wo + bo) * zoo::times(next_C, q) * (exp(low) / maximum(normal, 1e-6));
    return {.output = zoo::joined(h), .state = {next_C, next_n, next_m}};
  }

  Tensor kernel, bias, gate_kernel, gate_bias;
};

inline void describe(auto& option, MLSTMOptions& o) {
  MLSTMCell::describe(option, o);
  describe_recurrence(option, o);
}

class MLSTMLayer : public Recurrent<MLSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// MLSTM over a sequence; its options are MLSTMOptions.
inline Layer MLSTM(const MLSTMOptions& options) { return make_layer("MLSTM", options); }
TEMPO_OPTIONS(Layer MLSTM, MLSTMOptions);

}  // namespace tempo
