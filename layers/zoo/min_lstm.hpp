// SPDX-License-Identifier: Apache-2.0
// minLSTM: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct MinLSTMOptions {
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

/// minLSTM (Feng et al., 2024, "Were RNNs all we needed?", section 3.2.4): an LSTM whose gates do
/// not read the state and are scaled to sum to 1. This is done with logarithms, as in the paper's
/// appendix B, because both gates may be too small for their sum. Weights hold f, i and the
/// candidate side by side.
class MinLSTMCell : public Cell<MinLSTMOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, MinLSTMOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
  }

  static constexpr int step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("MinLSTM", options.units, 3);
    kernel = add("kernel", {input.back(), 3 * options.units}, glorot_uniform());
    bias = add("bias", {3 * options.units}, zeros());
  }

  Step step(const Tensor& x, const State& s) const {
    const Tensor& h = s[0];
    auto [raw_f, raw_i, candidate] = split<3>(matmul(x, kernel) + bias);
    Tensor f = sigmoid(softplus(-raw_i) - softplus(-raw_f));  // s(raw_f) / (s(raw_f) + s(raw_i))
    Tensor next = f * h + (1 - f) * candidate;
    return {.output = next, .state = {next}};
  }

  Tensor kernel, bias;
};

inline void describe(auto& option, MinLSTMOptions& o) {
  MinLSTMCell::describe(option, o);
  describe_recurrence(option, o);
}

class MinLSTMLayer : public Recurrent<MinLSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// MinLSTM over a sequence; its options are MinLSTMOptions.
inline Layer MinLSTM(const MinLSTMOptions& options) { return make_layer("MinLSTM", options); }
TEMPO_OPTIONS(Layer MinLSTM, MinLSTMOptions);

}  // namespace tempo
