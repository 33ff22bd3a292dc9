// SPDX-License-Identifier: Apache-2.0
// The independently recurrent network: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct IndRNNOptions {
  int units = 0;
  Activation activation = "relu";
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

/// IndRNN (Li et al., 2018, section 3): each unit sees only its own state. The recurrent weights
/// begin between 0 and 1.
class IndRNNCell : public Cell<IndRNNOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, IndRNNOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("activation", o.activation, "Of the state.");
  }

  static constexpr int step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("IndRNN", options.units);
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent = add("recurrent", {options.units}, random_uniform(0, 1));
    bias = add("bias", {options.units}, zeros());
  }

  Step step(const Tensor& x, const State& s) const {
    Tensor next = options.activation(matmul(x, kernel) + recurrent * s[0] + bias);
    return {.output = next, .state = {next}};
  }

  Tensor kernel, recurrent, bias;
};

inline void describe(auto& option, IndRNNOptions& o) {
  IndRNNCell::describe(option, o);
  describe_recurrence(option, o);
}

class IndRNNLayer : public Recurrent<IndRNNCell> {
 public:
  using Recurrent::Recurrent;
};

/// IndRNN over a sequence; its options are IndRNNOptions.
inline Layer IndRNN(const IndRNNOptions& options) { return make_layer("IndRNN", options); }
TEMPO_OPTIONS(Layer IndRNN, IndRNNOptions);

}  // namespace tempo
