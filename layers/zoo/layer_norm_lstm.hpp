// SPDX-License-Identifier: Apache-2.0
// The LSTM with layer normalisation: the cell and the layer.
#pragma once

#include <tempo/composition.hpp>
#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct LayerNormLSTMOptions {
  int units = 0;
  double epsilon = 1e-3;
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

/// The LSTM with layer normalisation (Ba et al., 2016, equations 20 to 22) of the product with x,
/// of the product with h, and of the memory that is read. Weights hold the gates i, f, g, o side by
/// side; gamma has a row for x and one for h. States are h and c.
class LayerNormLSTMCell : public Cell<LayerNormLSTMOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, LayerNormLSTMOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("epsilon", o.epsilon,
           "Added to the variance, which is 0 of the state that sequences begin with.",
           at_least(1e-12));
  }

  static constexpr int state_count = 2, step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("LayerNormLSTM", options.units, 4);
    const int64_t units = options.units;
    zoo::require_normal("LayerNormLSTM", "the memory", units, "Give more units.");
    kernel = add("kernel", {input.back(), 4 * units}, glorot_uniform());
    recurrent = add("recurrent", {units, 4 * units}, orthogonal());
    const Tensor none = zeros({units}, add.dtype());
    bias = add("bias", concat({none, ones({units}, add.dtype()), none, none}));
    gamma = add("gamma", {2, 4 * units}, ones());
    memory_gamma = add("memory_gamma", {units}, ones());
    memory_beta = add("memory_beta", {units}, zeros());
  }

  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c] = s.as<2>();
    Tensor from_x = layer_norm(matmul(x, kernel), take(gamma, 0), {}, options.epsilon);
    Tensor from_h = layer_norm(matmul(h, recurrent), take(gamma, 1), {}, options.epsilon);
    auto [i, f, g, o] = split<4>(from_x + from_h + bias);
    Tensor next_c = sigmoid(f) * c + sigmoid(i) * tanh(g);
    Tensor seen = layer_norm(next_c, memory_gamma, memory_beta, options.epsilon);
    Tensor next_h = sigmoid(o) * tanh(seen);
    return {.output = next_h, .state = {next_h, next_c}};
  }

  Tensor kernel, recurrent, bias, gamma, memory_gamma, memory_beta;
};

inline void describe(auto& option, LayerNormLSTMOptions& o) {
  LayerNormLSTMCell::describe(option, o);
  describe_recurrence(option, o);
}

class LayerNormLSTMLayer : public Recurrent<LayerNormLSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// LayerNormLSTM over a sequence; its options are LayerNormLSTMOptions.
inline Layer LayerNormLSTM(const LayerNormLSTMOptions& options) {
  return make_layer("LayerNormLSTM", options);
}
TEMPO_OPTIONS(Layer LayerNormLSTM, LayerNormLSTMOptions);

}  // namespace tempo
