// SPDX-License-Identifier: Apache-2.0
// The LSTM with zoneout: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct ZoneoutLSTMOptions {
  int units = 0;
  double memory_zoneout = 0.5;
  double state_zoneout = 0.05;
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

/// The LSTM with zoneout (Krueger et al., 2017, section 3): in training, each unit keeps its
/// memory, or its state, of the step before with some probability; otherwise old and new are mixed
/// by it. Weights hold the gates i, f, g, o side by side; states are h and c.
class ZoneoutLSTMCell : public Cell<ZoneoutLSTMOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, ZoneoutLSTMOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("memory_zoneout", o.memory_zoneout, "Share of the units whose memory c stays in a step.",
           between(0, 1));
    option("state_zoneout", o.state_zoneout, "Share of the units whose state h stays in a step.",
           between(0, 1));
  }

  static constexpr int state_count = 2, step_rank = 2;
  static constexpr bool takes_constants = false;

  void build(Weights& add, const Shape& input) {
    require_units("ZoneoutLSTM", options.units, 4);
    const int64_t units = options.units;
    kernel = add("kernel", {input.back(), 4 * units}, glorot_uniform());
    recurrent = add("recurrent", {units, 4 * units}, orthogonal());
    const Tensor none = zeros({units}, add.dtype());
    bias = add("bias", concat({none, ones({units}, add.dtype()), none, none}));
  }

  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const auto& [h, c] = s.as<2>();
    auto [i, f, g, o] = split<4>(matmul(x, kernel) + matmul(h, recurrent) + bias);
    Tensor new_c = sigmoid(f) * c + sigmoid(i) * tanh(g), new_h = sigmoid(o) * tanh(new_c);
    Tensor next_c = zoned(c, new_c, options.memory_zoneout, call.training);
    Tensor next_h = zoned(h, new_h, options.state_zoneout, call.training);
    return {.output = next_h, .state = {next_h, next_c}};
  }

  Tensor kernel, recurrent, bias;

 private:
  static Tensor zoned(const Tensor& old, const Tensor& now, double rate, bool training) {
    if (!training) return rate * old + (1 - rate) * now;
    return where(random_uniform(now.shape(), 0, 1, now.dtype()) < rate, old, now);
  }
};

inline void describe(auto& option, ZoneoutLSTMOptions& o) {
  ZoneoutLSTMCell::describe(option, o);
  describe_recurrence(option, o);
}

class ZoneoutLSTMLayer : public Recurrent<ZoneoutLSTMCell> {
 public:
  using Recurrent::Recurrent;
};

/// ZoneoutLSTM over a sequence; its options are ZoneoutLSTMOptions.
inline Layer ZoneoutLSTM(const ZoneoutLSTMOptions& options) {
  return make_layer("ZoneoutLSTM", options);
}
TEMPO_OPTIONS(Layer ZoneoutLSTM, ZoneoutLSTMOptions);

}  // namespace tempo
