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
/// chosen for each channel. Each map reads its own mixture of x and the last x. Weights begin as
/// in a first layer of the authors' program, except gamma: 1 here, and less there the more layers
/// follow. States are x of the step before and S [batch, heads, value, key].
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

  static constexpr int step_rank = 2;
  Shapes state_shapes(const Shapes& inputs) const {
    const int64_t batch = inputs[0][0], heads = options.heads, width = options.units / heads;
    return {inputs[0], {batch, heads, width, width}};
  }

  void build(Weights& add, const Shape& input) {
    require_units("RWKV7", options.units, 3);
    const int64_t heads = options.heads, width = zoo::normal_head_width("RWKV7", options);
    const int64_t features = input.back(), units = options.units, rank = options.rank;
    const DType dtype = add.dtype();
    const auto by_channel = [&](const Shape& shape, const auto& value) {
      std::vector<double> all;
      for (int64_t n = 0, count = shape.count(); n < count; ++n) all.push_back(value(n));
      return cast(tensor(all, shape, float64), dtype);
    };
    const auto place = [&](int64_t n) {  // from 0 to 1
      return static_cast<double>(n) / static_cast<double>(units - 1);
    };
    const auto zigzag = [&](int64_t n) {  // from -1 to 1 in each head, flat in its middle
      const double at = 2 * static_cast<double>(n % width) / static_cast<double>(width - 1) - 1;
      return at * std::abs(at);
    };
    constexpr double powers[] = {0.2, 0.7, 0.7, 0.9, 0.9, 0.2};
    mix = add("mix", by_channel({6, features}, [&](int64_t n) {
                const double at = static_cast<double>(n % features) / static_cast<double>(features);
                return 1 - std::pow(at, powers[n / features]);
              }));
    const auto map = [&](double size) {
      const double most = size / std::sqrt(static_cast<double>(features));
      return random_uniform({features, units}, -most, most, dtype);
    };
    kernel = add("kernel", stack({map(0.5), map(0.05), map(0.5)}));
    down = add("down", {3, features, rank}, zeros());
    const auto low = [&] { return orthogonal(0.1)({rank, units}, dtype); };
    up = add("up", stack({low(), low(), low()}));
    decay_bias =
        add("decay_bias",
            by_channel({units}, [&](int64_t n) { return -5.5 + 6 * place(n) + 2.5 * zigzag(n); }));
    rate_bias = add("rate_bias", by_channel({units}, [&](int64_t n) {
                      return -0.19 + 0.3 * zigzag(n) + 0.4 * (place(n) - 0.5);
                    }));
    removal = add("removal", by_channel({heads, width},
                                        [&](int64_t n) { return 0.71 - 0.1 * (place(n) - 0.5); }));
    renewal = add("renewal", {heads, width}, constant(1.02));
    bonus = add("bonus", {heads, width}, constant(-0.04));
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
