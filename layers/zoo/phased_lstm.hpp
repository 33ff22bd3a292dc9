// SPDX-License-Identifier: Apache-2.0
// The phased LSTM: the cell and the layer.
#pragma once

#include <cmath>

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/gap.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct PhasedLSTMOptions {
  int units = 0;
  double max_period = 1000;
  double open_ratio = 0.05;
  double leak = 0.001;
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

/// The phased LSTM (Neil et al., 2016, section 2): each unit has a rhythm, and changes its state
/// while its gate is open. It runs over x, whose steps are then 1 apart, or over {x, time}, with
/// time [batch, time, 1] in the unit of the periods. Times must be small enough for their dtype to
/// tell steps apart: in float32 below 2^24 of the smallest gap, so count from the start of the
/// sequence, not by the calendar. Outside of the open phase, a gate leaks in training. Weights hold
/// the gates i, f, g, o side by side; states are h, c and, for x alone, the place of each unit
/// in its rhythm, which is never a weight.
class PhasedLSTMCell : public Cell<PhasedLSTMOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, PhasedLSTMOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("max_period", o.max_period,
           "Greatest period at first; periods begin between 1 and it, evenly in their logarithm.",
           at_least(1));
    option("open_ratio", o.open_ratio, "Share of a period for which the gate is open.",
           between(0.001, 1));
    option("leak", o.leak, "What passes a closed gate in training.", between(0, 1));
  }

  static constexpr int sequence_count = 0;  // x alone, or x and the time of the step
  static constexpr const char* sequences = "{x, time}";
  static constexpr int step_rank = 2, state_count = 3, trainable_states = 2;
  static constexpr bool takes_constants = false;
  State initial(const StepCall& call) const {
    const Tensor turns = -shift / period;
    return {Tensor{}, Tensor{}, call.dtype == DType::automatic ? turns : cast(turns, call.dtype)};
  }

  void build(Weights& add, const Shapes& inputs) {
    require_units("PhasedLSTM", options.units, 4);
    const int64_t units = options.units;
    kernel = add("kernel", {inputs[0].back(), 4 * units}, glorot_uniform());
    recurrent = add("recurrent", {units, 4 * units}, orthogonal());
    const Tensor none = zeros({units}, add.dtype());
    bias = add("bias", concat({none, ones({units}, add.dtype()), none, none}));
    peephole = add("peephole", {3, units}, zoo::spread(units));
    period =
        add("period", exp(random_uniform({units}, 0, std::log(options.max_period), add.dtype())));
    shift = add("shift", period * random_uniform({units}, 0, 1, add.dtype()));
  }

  Step step(const Tensors& x, const State& s, const StepCall& call) const {
    const auto& [h, c, turns] = s.as<3>();
    auto [i, f, g, o] = split<4>(matmul(x[0], kernel) + matmul(h, recurrent) + bias);
    const Tensor from_i = take(peephole, 0), from_f = take(peephole, 1), from_o = take(peephole, 2);
    Tensor new_c = sigmoid(f + from_f * c) * c + sigmoid(i + from_i * c) * tanh(g);
    Tensor new_h = sigmoid(o + from_o * new_c) * tanh(new_c);
    const bool timed = x.size() > 1;
    Tensor phase = fraction(timed ? (zoo::time_of<PhasedLSTMCell>(x, 0) - shift) / period : turns);
    Tensor k = openness(phase, call.training ? options.leak : 0);
    Tensor next_c = k * new_c + (1 - k) * c, next_h = k * new_h + (1 - k) * h;
    return {.output = next_h, .state = {next_h, next_c, timed ? turns : phase + 1 / period}};
  }

  Tensor kernel, recurrent, bias, peephole, period, shift;

 private:
  static Tensor fraction(const Tensor& turns) {
    Tensor down = cast(cast(turns, int64), turns.dtype());  // rounded towards 0
    return turns - where(down > turns, down - 1, down);
  }
  // The openness k in this phase.
  Tensor openness(const Tensor& phase, double leak) const {
    Tensor half = 2 * phase / options.open_ratio;
    return where(half < 1, half, where(half < 2, 2 - half, leak * phase));
  }
};

inline void describe(auto& option, PhasedLSTMOptions& o) {
  PhasedLSTMCell::describe(option, o);
  describe_recurrence(option, o);
}

class PhasedLSTMLayer : public Recurrent<PhasedLSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// PhasedLSTM over x, or over {x, time}; its options are PhasedLSTMOptions.
inline Layer PhasedLSTM(const PhasedLSTMOptions& options) {
  return make_layer("PhasedLSTM", options);
}
TEMPO_OPTIONS(Layer PhasedLSTM, PhasedLSTMOptions);

}  // namespace tempo
