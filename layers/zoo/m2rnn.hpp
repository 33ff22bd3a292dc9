// SPDX-License-Identifier: Apache-2.0
// M2RNN, a matrix state with a nonlinear step: the cell and the layer.
#pragma once

#include <tuple>

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/causal_convolution.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct M2RNNOptions {
  int units = 0;
  int heads = 4;
  int conv_width = 4;
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

/// M2RNN (Mishra et al., 2026, equations 13 and 19 to 22, without its last projection): Z = tanh(S
/// W + k v^T), S' = f S + (1 - f) Z, y = S'^T q + D * v, gated and normalised. q, k and v run
/// through a causal convolution. Weights hold the gate of the output, q, k, v and f side by side.
/// States are S [batch, heads, key, value] and, oldest first, the steps that the convolution still
/// sees.
class M2RNNCell : public Cell<M2RNNOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, M2RNNOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("heads", o.heads,
           "How many parts of units / heads the units are cut into; each part reads its own state "
           "alone.",
           at_least(1));
    option("conv_width", o.conv_width,
           "How many steps the causal convolution sees; 1 leaves it out.", at_least(1));
  }

  static constexpr int step_rank = 2;
  Shapes state_shapes(int64_t batch) const {
    const int64_t heads = options.heads, width = options.units / heads;
    const Shape S{batch, heads, width, width};
    if (options.conv_width == 1) return {S};
    return {S, {batch, (options.conv_width - 1) * (3 * int64_t{options.units})}};
  }

  void build(Weights& add, const Shape& input) {
    require_units("M2RNN", options.units, 5);
    const int64_t heads = options.heads, width = zoo::head_width("M2RNN", options);
    const int64_t units = options.units;
    zoo::require_normal("M2RNN", "the output", units, "Give more units.");
    kernel = add("kernel", {input.back(), 4 * units + heads}, glorot_uniform());
    if (options.conv_width > 1) convolution.build(add, options.conv_width, 3 * units);
    const DType dtype = add.dtype();
    recurrent =
        add("recurrent", broadcast_to(identity()({width, width}, dtype), {heads, width, width}));
    rate = add("rate", zoo::decay_rates(heads, dtype));
    rate_bias = add("rate_bias", zoo::small_steps(heads, dtype));
    direct = add("direct", {heads, width}, ones());
    scale = add("scale", {units}, ones());
  }

  Step step(const Tensor& x, const State& s) const {
    const int64_t units = options.units, heads = options.heads;
    const Tensors in = split(matmul(x, kernel), {units, 3 * units, heads});
    Tensor convolved = in[1], window;
    if (options.conv_width > 1) std::tie(convolved, window) = convolution(in[1], s[1]);
    auto [raw_q, raw_k, raw_v] = split<3>(silu(convolved));
    Tensor q = zoo::heads(raw_q, heads), k = zoo::heads(raw_k, heads), v = zoo::heads(raw_v, heads);
    Tensor f = exp(-exp(rate) * softplus(in[2] + rate_bias));  // [batch, heads]
    Tensor keep = expand_dims(expand_dims(f, -1), -1);
    Tensor next = keep * s[0] + (1 - keep) * tanh(matmul(s[0], recurrent) + zoo::outer(k, v));
    Tensor y = squeeze(matmul(expand_dims(q, -2), next), -2) + direct * v;
    Tensor out = rms_norm(zoo::joined(y) * silu(in[0]), scale, 1e-5);
    return {.output = out, .state = window ? State{next, window} : State{next}};
  }

  zoo::CausalConvolution convolution;
  Tensor kernel, recurrent, rate, rate_bias, direct, scale;
};

inline void describe(auto& option, M2RNNOptions& o) {
  M2RNNCell::describe(option, o);
  describe_recurrence(option, o);
}

class M2RNNLayer : public Recurrent<M2RNNCell> {
 public:
  using Recurrent::Recurrent;
};

/// M2RNN over a sequence; its options are M2RNNOptions.
inline Layer M2RNN(const M2RNNOptions& options) { return make_layer("M2RNN", options); }
TEMPO_OPTIONS(Layer M2RNN, M2RNNOptions);

}  // namespace tempo
