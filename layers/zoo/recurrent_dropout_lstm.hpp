// SPDX-License-Identifier: Apache-2.0
// The LSTM with dropout of its candidate: the cell and the layer.
#pragma once

#include <tempo/composition.hpp>
#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct RecurrentDropoutLSTMOptions {
  int units = 0;
  double rate = 0.25;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool zero_output_for_mask = false;
  bool trainable_initial_state = false;
  bool recompute = false;
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

/// The LSTM with dropout of the candidate (Semeniuta et al., 2016, section 3), drawn anew at each
/// step, so that nothing that is stored is lost. LSTM's own recurrent_dropout drops h, by one mask
/// for all steps. Weights hold the gates i, f, g, o side by side; states are h and c.
class RecurrentDropoutLSTMCell : public Cell<RecurrentDropoutLSTMOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, RecurrentDropoutLSTMOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("rate", o.rate,
           "Share of the candidate that is 0 in training; the rest is scaled by 1 / (1 - rate).",
           between(0, 1));
  }

  static constexpr int state_count = 2, step_rank = 2;
  static constexpr bool takes_constants = false;

  void build(Weights& add, const Shape& input) {
    require_units("RecurrentDropoutLSTM", options.units, 4);
    const int64_t units = options.units;
    kernel = add("kernel", {input.back(), 4 * units}, glorot_uniform());
    recurrent = add("recurrent", {units, 4 * units}, orthogonal());
    const Tensor none = zeros({units}, add.dtype());
    bias = add("bias", concat({none, ones({units}, add.dtype()), none, none}));
  }

  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const auto& [h, c] = s.as<2>();
    auto [i, f, g, o] = split<4>(matmul(x, kernel) + matmul(h, recurrent) + bias);
    Tensor candidate = call.training ? dropout(tanh(g), options.rate) : tanh(g);
    Tensor next_c = sigmoid(f) * c + sigmoid(i) * candidate, next_h = sigmoid(o) * tanh(next_c);
    return {.output = next_h, .state = {next_h, next_c}};
  }

  Tensor kernel, recurrent, bias;
};

inline void describe(auto& option, RecurrentDropoutLSTMOptions& o) {
  RecurrentDropoutLSTMCell::describe(option, o);
  describe_recurrence(option, o);
}

class RecurrentDropoutLSTMLayer : public Recurrent<RecurrentDropoutLSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// RecurrentDropoutLSTM over a sequence; its options are RecurrentDropoutLSTMOptions.
inline Layer RecurrentDropoutLSTM(const RecurrentDropoutLSTMOptions& options) {
  return make_layer("RecurrentDropoutLSTM", options);
}
TEMPO_OPTIONS(Layer RecurrentDropoutLSTM, RecurrentDropoutLSTMOptions);

}  // namespace tempo
