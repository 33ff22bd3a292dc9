// SPDX-License-Identifier: Apache-2.0
// Leaky integrate-and-fire neurons: the cell and the layer.
#pragma once

#include <tempo/gradient.hpp>
#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct LIFOptions {
  int units = 0;
  double decay = 0.9;
  double threshold = 1;
  double slope = 10;
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

/// Leaky integrate-and-fire neurons (Neftci et al., 2019, without the synaptic current, and with a
/// reset to 0): the potential decays, and is 0 after a spike. A spike is 1 where the potential is
/// above the threshold; its gradient is that of a fast sigmoid (Zenke and Ganguli, 2018). The
/// output is the spikes; states are the potential and the spikes.
class LIFCell : public Cell<LIFOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, LIFOptions& o) {
    option("units", o.units, "How many neurons there are.", at_least(0));
    option("decay", o.decay, "What is left of a potential after a step.", between(0, 1));
    option("threshold", o.threshold, "The potential above which a neuron fires.", at_least(0));
    option("slope", o.slope, "How steep the function is whose gradient a spike has.", at_least(0));
  }

  static constexpr int state_count = 2, step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("LIF", options.units);
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent = add("recurrent", {options.units, options.units}, orthogonal());
    bias = add("bias", {options.units}, zeros());
  }

  Step step(const Tensor& x, const State& s) const {
    const auto& [u, spikes] = s.as<2>();
    Tensor next =
        options.decay * u * (1 - spikes) + matmul(x, kernel) + matmul(spikes, recurrent) + bias;
    Tensor above = next - options.threshold;
    Tensor fired = custom_gradient(cast(above > 0, above.dtype()), {above}, [&](const Tensor& dy) {
      return dy / square(1 + options.slope * abs(above));
    });
    return {.output = fired, .state = {next, fired}};
  }

  Tensor kernel, recurrent, bias;
};

inline void describe(auto& option, LIFOptions& o) {
  LIFCell::describe(option, o);
  describe_recurrence(option, o);
}

class LIFLayer : public Recurrent<LIFCell> {
 public:
  using Recurrent::Recurrent;
};

/// LIF over a sequence; its options are LIFOptions.
inline Layer LIF(const LIFOptions& options) { return make_layer("LIF", options); }
TEMPO_OPTIONS(Layer LIF, LIFOptions);

}  // namespace tempo
