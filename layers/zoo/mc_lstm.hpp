// SPDX-License-Identifier: Apache-2.0
// The mass-conserving LSTM: the cell and the layer.
#pragma once

#include <tempo/composition.hpp>
#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct MCLSTMOptions {
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

/// MC-LSTM (Hoedt et al., 2021, section 2): masses come in, move between the units, and leave; none
/// is made or lost. It runs over {mass, other}: the masses [batch, time, masses], and what else the
/// gates read. The output is the mass that leaves. Weights of each gate read `other`, then c /
/// sum(c).
class MCLSTMCell : public Cell<MCLSTMOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, MCLSTMOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
  }

  static constexpr int sequence_count = 2, step_rank = 2;
  static constexpr const char* sequences = "{mass, other}";

  void build(Weights& add, const Shapes& inputs) {
    require_units("MCLSTM", options.units, options.units);
    const int64_t masses = inputs[0].back(), units = options.units;
    const int64_t seen = inputs[1].back() + units;
    in = add("in", {seen, masses * units}, glorot_uniform());
    in_bias = add("in_bias", {masses, units}, zeros());
    move = add("move", {seen, units * units}, zoo::spread(seen));
    move_bias = add("move_bias", {units, units}, identity());
    out = add("out", {seen, units}, glorot_uniform());
    out_bias = add("out_bias", {units}, constant(-3));
  }

  Step step(const Tensors& x, const State& s) const {
    const Tensor& c = s[0];
    const int64_t batch = c.shape()[0], units = options.units, masses = x[0].shape().back();
    Tensor seen = concat({x[1], c / (sum(abs(c), -1, true) + 1e-5)});
    Tensor i = softmax(reshape(matmul(seen, in), {batch, masses, units}) + in_bias);
    Tensor R = softmax(reshape(matmul(seen, move), {batch, units, units}) + move_bias);
    Tensor o = sigmoid(matmul(seen, out) + out_bias);
    const auto shared = [](const Tensor& mass, const Tensor& shares) {  // each row sums to 1
      return squeeze(matmul(expand_dims(mass, 1), shares), 1);
    };
    Tensor total = shared(c, R) + shared(x[0], i);
    return {.output = o * total, .state = {(1 - o) * total}};
  }

  Tensor in, in_bias, move, move_bias, out, out_bias;
};

inline void describe(auto& option, MCLSTMOptions& o) {
  MCLSTMCell::describe(option, o);
  describe_recurrence(option, o);
}

class MCLSTMLayer : public Recurrent<MCLSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// MCLSTM over {mass, other}; its options are MCLSTMOptions.
inline Layer MCLSTM(const MCLSTMOptions& options) { return make_layer("MCLSTM", options); }
TEMPO_OPTIONS(Layer MCLSTM, MCLSTMOptions);

}  // namespace tempo
