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
/// time [batch, time, 1]. Outside of the open phase a gate leaks in training. Weights hold the
/// gates i, f, g, o side by side; states are h, c and the number of steps so far.
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
  static constexpr bool takes_constants = false;
  Shapes state_shapes(int64_t batch) const {
    return {{batch, options.units}, {batch, options.units}, {batch, 1}};
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
    const auto& [h, c, count] = s.as<3>();
    auto [i, f, g, o] = split<4>(matmul(x[0], kernel) + matmul(h, recurrent) + bias);
    const Tensor from_i = take(peephole, 0), from_f = take(peephole, 1), from_o = take(peephole, 2);
    Tensor new_c = sigmoid(f + from_f * c) * c + sigmoid(i + from_i * c) * tanh(g);
    Tensor new_h = sigmoid(o + from_o * new_c) * tanh(new_c);
    Tensor k = openness(zoo::time_of("PhasedLSTM", x, count), call.training ? options.leak : 0);
    Tensor next_c = k * new_c + (1 - k) * c, next_h = k * new_h + (1 - k) * h;
    return {.output = next_h, .state = {next_h, next_c, count + 1}};
  }

  Tensor kernel, recurrent, bias, peephole, period, shift;

 private:
  // k at these times [batch, 1].
  Tensor openness(const Tensor& time, double leak) const {
    Tensor turns = (time - shift) / period;
    Tensor down = cast(cast(turns, int64), turns.dtype());  // rounded towards 0
    Tensor phase = turns - where(down > turns, down - 1, down);
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
