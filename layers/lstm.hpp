// SPDX-License-Identifier: Apache-2.0
// Long short-term memory: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/recurrent_dropout.hpp>

namespace tempo TEMPO_HIDDEN {

struct LSTMOptions {
  int units = 0;
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
  bool trainable_initial_state = false;
  bool recompute = false;
  int implementation = 2;
  std::string use_cudnn = "auto";
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

/// Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000).
/// Weights hold the four gates side by side in the order i, f, g, o.
class LSTMCell : public CellWithDropout<LSTMOptions> {
 public:
  using CellWithDropout::CellWithDropout;
  static constexpr int state_count = 2, step_rank = 2;

  static void describe(auto& option, LSTMOptions& o) {
    describe_recurrent_weights(option, o);
    option("recurrent_activation", o.recurrent_activation, "Of the gates i, f and o.");
    option("unit_forget_bias", o.unit_forget_bias, "Whether the bias of the gate f starts as 1.");
    describe_recurrent_dropout(option, o);
    describe_implementation(option, o);
  }

  void build(Weights& add, const Shape& input) {
    require_units("LSTM", options.units, 4);
    const int64_t gates = 4 * options.units;
    const RecurrentRules rules(options);
    kernel = add("kernel", {input.back(), gates}, options.kernel_initializer, rules.kernel);
    recurrent_kernel = add("recurrent_kernel", {options.units, gates},
                           options.recurrent_initializer, rules.recurrent);
    if (options.use_bias) bias = add("bias", first_bias(add.dtype()), rules.bias);
  }

  Step step(const Tensor& input, const State& s, const StepCall& call) const {
    const auto& [state, c] = s.as<2>();
    const Tensor x = dropped_input(input, call), h = dropped_state(state, call);
    auto [i, f, g, o] = split<4>(biased(matmul(x, kernel) + matmul(h, recurrent_kernel), bias));
    Tensor next_c = options.recurrent_activation(f) * c +
                    options.recurrent_activation(i) * options.activation(g);
    Tensor next_h = options.recurrent_activation(o) * options.activation(next_c);
    return {.output = next_h, .state = {next_h, next_c}};
  }

  Tensor kernel, recurrent_kernel, bias;

 private:
  Tensor first_bias(DType dtype) const {
    const auto& initial = options.bias_initializer;
    const int64_t units = options.units;
    if (!options.unit_forget_bias) return initial({4 * units}, dtype);
    return concat({initial({units}, dtype), ones({units}, dtype), initial({2 * units}, dtype)});
  }
};

inline void describe(auto& option, LSTMOptions& o) {
  LSTMCell::describe(option, o);
  describe_recurrence(option, o);
  describe_cudnn(option, o);
}

class LSTMLayer : public Recurrent<LSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// Long short-term memory over a sequence; its options are LSTMOptions, its states h and c.
inline Layer LSTM(const LSTMOptions& options) { return make_layer("LSTM", options); }
TEMPO_OPTIONS(Layer LSTM, LSTMOptions);

}  // namespace tempo
