// SPDX-License-Identifier: Apache-2.0
// The recurrent highway network: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct RHNOptions {
  int units = 0;
  int depth = 3;
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

/// RHN (Zilly et al., 2017, equations 6 to 9, with c = 1 - t): in each step the state runs through
/// `depth` highway layers; only the first one sees x. Weights hold h and t side by side. The bias
/// of t begins as -2, so that layers carry the state at first.
class RHNCell : public Cell<RHNOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, RHNOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("depth", o.depth, "How many layers the state runs through in a step.", at_least(1));
  }

  static constexpr int step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("RHN", options.units, 2);
    const int64_t units = options.units, depth = options.depth;
    kernel = add("kernel", {input.back(), 2 * units}, glorot_uniform());
    recurrent = add("recurrent", {depth, units, 2 * units}, zoo::spread(units));
    const DType dtype = add.dtype();
    bias = add("bias", concat({zeros({depth, units}, dtype), full({depth, units}, -2, dtype)}));
  }

  Step step(const Tensor& x, const State& s) const {
    Tensor next = s[0];
    for (int layer = 0; layer < options.depth; ++layer) {
      Tensor raw = matmul(next, take(recurrent, layer)) + take(bias, layer);
      if (layer == 0) raw = raw + matmul(x, kernel);
      auto [h, t] = split<2>(raw);
      next = tanh(h) * sigmoid(t) + next * (1 - sigmoid(t));
    }
    return {.output = next, .state = {next}};
  }

  Tensor kernel, recurrent, bias;
};

inline void describe(auto& option, RHNOptions& o) {
  RHNCell::describe(option, o);
  describe_recurrence(option, o);
}

class RHNLayer : public Recurrent<RHNCell> {
 public:
  using Recurrent::Recurrent;
};

/// RHN over a sequence; its options are RHNOptions.
inline Layer RHN(const RHNOptions& options) { return make_layer("RHN", options); }
TEMPO_OPTIONS(Layer RHN, RHNOptions);

}  // namespace tempo
