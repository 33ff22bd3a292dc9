// SPDX-License-Identifier: Apache-2.0
// The time mix of RWKV-7: the cell and the layer.
#pragma once

#include <cmath>

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct RWKV7Options {
  int units = 0;
  int heads = 4;
  int rank = 16;
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

/// RWKV-7 (Peng et al., 2025, "Goose", section 4, of a first layer, without its last projection):
/// S' = S (diag(w) - k1^T (a * k1)) + v^T k2, a delta rule whose decay w, rate a and keys are
/// chosen for each channel. Each map reads its own mixture of x and of the step before. States are
/// x of the step before and S [batch, heads, value, key].
class RWKV7Cell : public Cell<RWKV7Options> {
 public:
  using Cell::Cell;

  static void describe(auto& option, RWKV7Options& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("heads", o.heads,
           "How many parts of units / heads the units are cut into; each part reads its own state "
           "alone.",
           at_least(1));
    option("rank", o.rank,
           "Inner size of the low-rank maps that make the decay, the rate and the gate.",
           at_least(1));
  }

  Shapes state_shapes(const Shapes& inputs) const {
    const int64_t batch = inputs[0][0], heads = options.heads, width = options.units / heads;
    return {inputs[0], {batch, heads, width, width}};
  }

  void build(Weights& add, const Shape& input) {
    require_units("RWKV7", options.units, 3);
    const int64_t heads = options.heads, width = zoo::head_width("RWKV7", options);
    const int64_t features = input.back(), units = options.units, rank = options.rank;
    mix = add("mix", {6, features}, random_uniform(0, 1));
    kernel = add("kernel", {3, features, units}, zoo::spread(features));
    down = add("down", {3, features, rank}, zoo::spread(features));
    up = add("up", {3, rank, units}, zoo::spread(rank));
    decay_bias = add("decay_bias", zoo::linspace(-6, 1, units, add.dtype()));
    rate_bias = add("rate_bias", {units}, zeros());
    removal = add("removal", {heads, width}, constant(0.85));
    renewal = add("renewal", {heads, width}, ones());
    bonus = add("bonus", {heads, width}, zeros());
    gamma = add("gamma", {heads, width}, ones());
    beta = add("beta", {heads, width}, zeros());
  }

  Step step(const Tensor& x, const State& s) const {
    const Tensor &last = s[0], &S = s[1];
    const auto mixed = [&](int i) { return x + (last - x) * take(mix, i); };
    const auto project = [&](int i) { return in_heads(matmul(mixed(i), take(kernel, i))); };
    const auto low = [&](int i) { return matmul(mixed(3 + i), take(down, i)); };
    Tensor r = project(0), k = project(1), v = project(2);
    Tensor w = in_heads(decay_bias + matmul(tanh(low(0)), take(up, 0)));
    Tensor a = sigmoid(in_heads(rate_bias + matmul(low(1), take(up, 1))));
    Tensor removed = zoo::unit_length(k * removal), written = k * (1 + (a - 1) * renewal);
    Tensor decayed = S * expand_dims(exp(-std::exp(-0.5) * sigmoid(w)), -2);
    Tensor next =
        decayed - zoo::outer(zoo::times(S, removed), a * removed) + zoo::outer(v, written);
    Tensor read = layer_norm(zoo::times(next, r), {}, {}, epsilon()) * gamma + beta;
    Tensor out = read + sum(r * bonus * written, -1, true) * v;
    Tensor gate = matmul(sigmoid(low(2)), take(up, 2));
    return {.output = gate * zoo::joined(out), .state = {x, next}};
  }

  Tensor mix, kernel, down, up, decay_bias, rate_bias, removal, renewal, bonus, gamma, beta;

 private:
  Tensor in_heads(const Tensor& x) const { return zoo::heads(x, options.heads); }
  double epsilon() const { return 1e-5 * options.units / options.heads; }
};

inline void describe(auto& option, RWKV7Options& o) {
  RWKV7Cell::describe(option, o);
  describe_recurrence(option, o);
}

class RWKV7Layer : public Recurrent<RWKV7Cell> {
 public:
  using Recurrent::Recurrent;
};

/// RWKV7 over a sequence; its options are RWKV7Options.
inline Layer RWKV7(const RWKV7Options& options) { return make_layer("RWKV7", options); }
TEMPO_OPTIONS(Layer RWKV7, RWKV7Options);

}  // namespace tempo
