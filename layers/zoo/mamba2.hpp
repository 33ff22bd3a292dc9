// SPDX-License-Identifier: Apache-2.0
// Mamba-2: the cell and the layer.
#pragma once

#include <tuple>

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/causal_convolution.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct Mamba2Options {
  int units = 0;
  int heads = 4;
  int state_size = 16;
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

/// Mamba-2 (Dao and Gu, 2024, the block of section 7.1 with one group, without its last
/// projection): a state space model whose step, input and output read x: S' = e^(dt A) S + dt u
/// B^T, y = S' C + D u. u, B and C run through a causal convolution. The output is gated and
/// normalised. Weights hold the gate, u, B, C and dt side by side. States are S [batch, heads,
/// units / heads, state_size] and, oldest first, the steps that the convolution still sees.
class Mamba2Cell : public Cell<Mamba2Options> {
 public:
  using Cell::Cell;

  static void describe(auto& option, Mamba2Options& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("heads", o.heads,
           "How many parts of units / heads the units are cut into; each part reads its own state "
           "alone.",
           at_least(1));
    option("state_size", o.state_size, "How many numbers the state holds for each unit.",
           at_least(1));
    option("conv_width", o.conv_width,
           "How many steps the causal convolution sees; 1 leaves it out.", at_least(1));
  }

  static constexpr int step_rank = 2;
  Shapes state_shapes(int64_t batch) const {
    const int64_t heads = options.heads, width = options.units / heads;
    const Shape S{batch, heads, width, options.state_size};
    if (options.conv_width == 1) return {S};
    return {S, {batch, (options.conv_width - 1) * channels()}};
  }

  void build(Weights& add, const Shape& input) {
    require_units("Mamba2", options.units, 4);
    const int64_t heads = options.heads, units = options.units;
    zoo::head_width("Mamba2", options);
    zoo::require_normal("Mamba2", "the output", units, "Give more units.");
    kernel = add("kernel", {input.back(), units + channels() + heads}, glorot_uniform());
    if (options.conv_width > 1) convolution.build(add, options.conv_width, channels());
    rate = add("rate", log(random_uniform({heads}, 1, 16, add.dtype())));
    rate_bias = add("rate_bias", zoo::small_steps(heads, add.dtype()));
    direct = add("direct", {heads, 1}, ones());
    scale = add("scale", {units}, ones());
  }

  Step step(const Tensor& x, const State& s) const {
    const Tensors in = split(matmul(x, kernel), {options.units, channels(), options.heads});
    Tensor convolved = in[1], window;
    if (options.conv_width > 1) std::tie(convolved, window) = convolution(in[1], s[1]);
    const int64_t n = options.state_size;
    const Tensors parts = split(silu(convolved), {options.units, n, n});
    const Tensor u = zoo::heads(parts[0], options.heads), B = expand_dims(parts[1], 1);
    Tensor dt = expand_dims(softplus(in[2] + rate_bias), -1);  // [batch, heads, 1]
    Tensor keep = exp(-dt * expand_dims(exp(rate), -1));
    Tensor next = expand_dims(keep, -1) * s[0] + zoo::outer(dt * u, B);
    Tensor y = zoo::joined(zoo::times(next, expand_dims(parts[2], 1)) + direct * u);
    Tensor out = rms_norm(y * silu(in[0]), scale, 1e-5);
    return {.output = out, .state = window ? State{next, window} : State{next}};
  }

  zoo::CausalConvolution convolution;
  Tensor kernel, rate, rate_bias, direct, scale;

 private:
  int64_t channels() const { return options.units + 2 * int64_t{options.state_size}; }
};

inline void describe(auto& option, Mamba2Options& o) {
  Mamba2Cell::describe(option, o);
  describe_recurrence(option, o);
}

class Mamba2Layer : public Recurrent<Mamba2Cell> {
 public:
  using Recurrent::Recurrent;
};

/// Mamba2 over a sequence; its options are Mamba2Options.
inline Layer Mamba2(const Mamba2Options& options) { return make_layer("Mamba2", options); }
TEMPO_OPTIONS(Layer Mamba2, Mamba2Options);

}  // namespace tempo
