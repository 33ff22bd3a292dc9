// SPDX-License-Identifier: Apache-2.0
// The LSTM with peepholes: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct PeepholeLSTMOptions {
  int units = 0;
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

/// The LSTM whose gates see the memory (Gers and Schmidhuber, 2000; the equations of Gers et al.,
/// 2002): i and f see it before the step, o after it, and each unit sees only its own. Weights hold
/// the gates i, f, g, o side by side; states are h and c.
class PeepholeLSTMCell : public Cell<PeepholeLSTMOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, PeepholeLSTMOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
  }

  static constexpr int state_count = 2, step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("PeepholeLSTM", options.units, 4);
    const int64_t units = options.units;
    kernel = add("kernel", {input.back(), 4 * units}, glorot_uniform());
    recurrent = add("recurrent", {units, 4 * units}, orthogonal());
    const Tensor none = zeros({units}, add.dtype());
    bias = add("bias", concat({none, ones({units}, add.dtype()), none, none}));
    peephole = add("peephole", {3, units}, zoo::spread(units));
  }

  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c] = s.as<2>();
    auto [i, f, g, o] = split<4>(matmul(x, kernel) + matmul(h, recurrent) + bias);
    const Tensor from_i = take(peephole, 0), from_f = take(peephole, 1), from_o = take(peephole, 2);
    Tensor next_c = sigmoid(f + from_f * c) * c + sigmoid(i + from_i * c) * tanh(g);
    Tensor next_h = sigmoid(o + from_o * next_c) * tanh(next_c);
    return {.output = next_h, .state = {next_h, next_c}};
  }

  Tensor kernel, recurrent, bias, peephole;
};

inline void describe(auto& option, PeepholeLSTMOptions& o) {
  PeepholeLSTMCell::describe(option, o);
  describe_recurrence(option, o);
}

class PeepholeLSTMLayer : public Recurrent<PeepholeLSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// PeepholeLSTM over a sequence; its options are PeepholeLSTMOptions.
inline Layer PeepholeLSTM(const PeepholeLSTMOptions& options) {
  return make_layer("PeepholeLSTM", options);
}
TEMPO_OPTIONS(Layer PeepholeLSTM, PeepholeLSTMOptions);

}  // namespace tempo
