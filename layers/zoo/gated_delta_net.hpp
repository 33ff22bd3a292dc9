// SPDX-License-Identifier: Apache-2.0
// Gated DeltaNet: the cell and the layer.
#pragma once

#include <cmath>

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct GatedDeltaNetOptions {
  int units = 0;
  int heads = 4;
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

/// Gated DeltaNet (Yang et al., 2024, equation 10, with the layer of figure 1 but for its
/// convolutions and its last projection): S' = S (a (I - b k k^T)) + b v k^T moves the memory's
/// value under a key towards a new one, and the gate a forgets. q and k have length 1. The output
/// S' q is normalised and gated. Weights hold q, k, v and the output's gate side by side, head
/// after head, and the gates a and b of each head. The state is S [batch, heads, value, key].
class GatedDeltaNetCell : public Cell<GatedDeltaNetOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, GatedDeltaNetOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("heads", o.heads,
           "How many parts of units / heads the units are cut into; each part reads its own state "
           "alone.",
           at_least(1));
  }

  static constexpr int step_rank = 2;
  Shapes state_shapes(int64_t batch) const {
    const int64_t heads = options.heads, width = options.units / heads;
    return {{batch, heads, width, width}};
  }

  void build(Weights& add, const Shape& input) {
    require_units("GatedDeltaNet", options.units, 4);
    const int64_t heads = options.heads, width = zoo::normal_head_width("GatedDeltaNet", options);
    kernel = add("kernel", {input.back(), 4 * options.units}, glorot_uniform());
    gate_kernel = add("gate_kernel", {input.back(), 2 * heads}, glorot_uniform());
    rate = add("rate", zoo::decay_rates(heads, add.dtype()));
    rate_bias = add("rate_bias", zoo::small_steps(heads, add.dtype()));
    scale = add("scale", {width}, ones());
  }

  Step step(const Tensor& x, const State& s) const {
    auto [q, k, v, gate] = split<4>(zoo::heads(matmul(x, kernel), options.heads));
    auto [raw_a, raw_b] = split<2>(matmul(x, gate_kernel));  // [batch, heads]
    Tensor a = exp(-exp(rate) * softplus(raw_a + rate_bias)), b = sigmoid(raw_b);
    Tensor query = zoo::unit_length(silu(q)), key = zoo::unit_length(silu(k));
    Tensor kept = expand_dims(expand_dims(a, -1), -1) * s[0];
    Tensor change = expand_dims(b, -1) * (silu(v) - zoo::times(kept, key));
    Tensor next = kept + zoo::outer(change, key);
    Tensor read = zoo::times(next, query) / std::sqrt(static_cast<double>(query.shape().back()));
    return {.output = zoo::joined(rms_norm(read, scale, 1e-5) * silu(gate)), .state = {next}};
  }

  Tensor kernel, gate_kernel, rate, rate_bias, scale;
};

inline void describe(auto& option, GatedDeltaNetOptions& o) {
  GatedDeltaNetCell::describe(option, o);
  describe_recurrence(option, o);
}

class GatedDeltaNetLayer : public Recurrent<GatedDeltaNetCell> {
 public:
  using Recurrent::Recurrent;
};

/// GatedDeltaNet over a sequence; its options are GatedDeltaNetOptions.
inline Layer GatedDeltaNet(const GatedDeltaNetOptions& options) {
  return make_layer("GatedDeltaNet", options);
}
TEMPO_OPTIONS(Layer GatedDeltaNet, GatedDeltaNetOptions);

}  // namespace tempo
