// SPDX-License-Identifier: Apache-2.0
// Liquid time-constant networks: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>
#include <tempo/layers/zoo/gap.hpp>

namespace tempo TEMPO_HIDDEN {

struct LTCOptions {
  int units = 0;
  int unfolds = 6;
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

/// LTC (Hasani et al., 2021, equation 1 and the solver of equation 3): dh/dt = -(1/tau + f) h + f
/// A, with f = sigmoid(W x + R h + b), solved by `unfolds` half-implicit steps. It runs over x, or
/// over {x, gap}; gap [batch, time, 1] is the time since the last step that counts, or 1 if it is
/// not given. A negative gap, at which the solver would fail, counts as 0. With go_backwards, each
/// step has the gap to the one after it, and the step that runs first has that of the first step;
/// RNN passes the gaps as they stand. The time constants are the softplus of the weight tau.
class LTCCell : public Cell<LTCOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, LTCOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("unfolds", o.unfolds, "How many steps the solver takes within one.", at_least(1));
  }

  static constexpr int sequence_count = 0;  // x alone, or x and the time since the step before
  static constexpr const char* sequences = "{x, gap}";
  static constexpr int step_rank = 2, gap_sequence = 1;

  void build(Weights& add, const Shapes& inputs) {
    require_units("LTC", options.units);
    const int64_t units = options.units;
    kernel = add("kernel", {inputs[0].back(), units}, glorot_uniform());
    recurrent = add("recurrent", {units, units}, orthogonal());
    bias = add("bias", {units}, zeros());
    tau = add("tau", {units}, constant(0.541324854612918));  // its softplus is 1
    A = add("A", {units}, random_uniform(-1, 1));
  }

  Step step(const Tensors& x, const State& s) const {
    const Tensor d = maximum(zoo::time_of<LTCCell>(x, 1), 0) / options.unfolds;
    Tensor h = s[0], from_x = matmul(x[0], kernel) + bias, leak = 1 / softplus(tau);
    for (int k = 0; k < options.unfolds; ++k) {
      Tensor f = sigmoid(from_x + matmul(h, recurrent));
      h = (h + d * f * A) / (1 + d * (leak + f));
    }
    return {.output = h, .state = {h}};
  }

  Tensor kernel, recurrent, bias, tau, A;
};

inline void describe(auto& option, LTCOptions& o) {
  LTCCell::describe(option, o);
  describe_recurrence(option, o);
}

class LTCLayer : public Recurrent<LTCCell> {
 public:
  using Recurrent::Recurrent;
};

/// LTC over x, or over {x, gap}; its options are LTCOptions.
inline Layer LTC(const LTCOptions& options) { return make_layer("LTC", options); }
TEMPO_OPTIONS(Layer LTC, LTCOptions);

}  // namespace tempo
