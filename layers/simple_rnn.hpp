// SPDX-License-Identifier: Apache-2.0
// The simple recurrent network: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/recurrent_dropout.hpp>

namespace tempo TEMPO_HIDDEN {

struct SimpleRNNOptions {
  int units = 0;
  Activation activation = "tanh";
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
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

/// The simple recurrent network (Elman, 1990).
class SimpleRNNCell : public CellWithDropout<SimpleRNNOptions> {
 public:
  using CellWithDropout::CellWithDropout;

  static void describe(auto& option, SimpleRNNOptions& o) {
    describe_recurrent_weights(option, o);
    describe_recurrent_dropout(option, o);
  }

  static constexpr int step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("SimpleRNN", options.units);
    const RecurrentRules rules(options);
    kernel = add("kernel", {input.back(), options.units}, options.kernel_initializer, rules.kernel);
    recurrent_kernel = add("recurrent_kernel", {options.units, options.units},
                           options.recurrent_initializer, rules.recurrent);
    if (options.use_bias) bias = add("bias", {options.units}, options.bias_initializer, rules.bias);
  }

  Step step(const Tensor& input, const State& s, const StepCall& call) const {
    const Tensor x = dropped_input(input, call), h = dropped_state(s[0], call);
    Tensor next = options.activation(biased(matmul(x, kernel) + matmul(h, recurrent_kernel), bias));
    return {.output = next, .state = {next}};
  }

  Tensor kernel, recurrent_kernel, bias;
};

inline void describe(auto& option, SimpleRNNOptions& o) {
  SimpleRNNCell::describe(option, o);
  describe_recurrence(option, o);
}

class SimpleRNNLayer : public Recurrent<SimpleRNNCell> {
 public:
  using Recurrent::Recurrent;
};

/// The simple recurrent network over a sequence; its options are SimpleRNNOptions.
inline Layer SimpleRNN(const SimpleRNNOptions& options) { return make_layer("SimpleRNN", options); }
TEMPO_OPTIONS(Layer SimpleRNN, SimpleRNNOptions);

}  // namespace tempo
