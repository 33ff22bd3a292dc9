// SPDX-License-Identifier: Apache-2.0
// minGRU: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct MinGRUOptions {
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

/// minGRU (Feng et al., 2024, "Were RNNs all we needed?", section 3.1.3): a GRU whose gate and
/// candidate do not read the state, so that all products are made before the loop. Weights hold z
/// and the candidate side by side.
class MinGRUCell : public Cell<MinGRUOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, MinGRUOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
  }

  static constexpr int step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("MinGRU", options.units, 2);
    kernel = add("kernel", {input.back(), 2 * options.units}, glorot_uniform());
    bias = add("bias", {2 * options.units}, zeros());
  }

  Step step(const Tensor& x, const State& s) const {
    const Tensor& h = s[0];
    auto [raw, candidate] = split<2>(matmul(x, kernel) + bias);
    Tensor z = sigmoid(raw);
    Tensor next = (1 - z) * h + z * candidate;
    return {.output = next, .state = {next}};
  }

  Tensor kernel, bias;
};

inline void describe(auto& option, MinGRUOptions& o) {
  MinGRUCell::describe(option, o);
  describe_recurrence(option, o);
}

class MinGRULayer : public Recurrent<MinGRUCell> {
 public:
  using Recurrent::Recurrent;
};

/// MinGRU over a sequence; its options are MinGRUOptions.
inline Layer MinGRU(const MinGRUOptions& options) { return make_layer("MinGRU", options); }
TEMPO_OPTIONS(Layer MinGRU, MinGRUOptions);

}  // namespace tempo
