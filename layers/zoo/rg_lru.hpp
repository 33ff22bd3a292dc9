// SPDX-License-Identifier: Apache-2.0
// The real-gated linear recurrent unit of Griffin, with its causal convolution: the cell and the
// layer.
#pragma once

#include <tuple>

#include <tempo/einsum.hpp>
#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/causal_convolution.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct RGLRUOptions {
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

/// RG-LRU (De et al., 2024, Griffin, equations 1 to 4; the convolution of its recurrent block:
/// section 2.3): x is projected, convolved over the last steps, each channel by itself, and runs
/// through a diagonal recurrence whose gates read their input in blocks, one for each head. States
/// are h and, oldest first, the steps that the convolution still sees. a_parameter begins such that
/// a^8 lies between 0.9 and 0.999.
class RGLRUCell : public Cell<RGLRUOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, RGLRUOptions& o) {
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
    const int64_t seen = options.conv_width - 1, units = options.units;
    return seen == 0 ? Shapes{{batch, units}} : Shapes{{batch, units}, {batch, seen * units}};
  }

  void build(Weights& add, const Shape& input) {
    require_units("RGLRU", options.units);
    const int64_t units = options.units, heads = options.heads;
    const int64_t width = zoo::head_width("RGLRU", options);
    kernel = add("kernel", {input.back(), units}, glorot_uniform());
    bias = add("bias", {units}, zeros());
    if (options.conv_width > 1) convolution.build(add, options.conv_width, units);
    gate_kernel = add("gate_kernel", {heads, width, 2 * width}, zoo::spread(width));
    gate_bias = add("gate_bias", {heads, 2 * width}, zeros());
    const Tensor kept = log(random_uniform({heads, width}, 0.9, 0.999, add.dtype())) / 8;
    a_parameter = add("a_parameter", kept - log(1 - exp(kept)));  // sigmoid of it is e^kept
  }

  Step step(const Tensor& input, const State& s) const {
    Tensor x = matmul(input, kernel) + bias, window;
    if (options.conv_width > 1) std::tie(x, window) = convolution(x, s[1]);
    const Tensor u = zoo::heads(x, options.heads);  // [batch, heads, width]
    auto [r, i] = split<2>(sigmoid(einsum("bhd,hde->bhe", u, gate_kernel) + gate_bias));
    Tensor log_a = -8 * r * softplus(-a_parameter);
    Tensor scale = sqrt(maximum(1 - exp(2 * log_a), 1e-12));  // where a rounds to 1
    Tensor h = exp(log_a) * zoo::heads(s[0], options.heads) + scale * (i * u);
    Tensor next = zoo::joined(h);
    return {.output = next, .state = window ? State{next, window} : State{next}};
  }

  zoo::CausalConvolution convolution;
  Tensor kernel, bias, gate_kernel, gate_bias, a_parameter;
};

inline void describe(auto& option, RGLRUOptions& o) {
  RGLRUCell::describe(option, o);
  describe_recurrence(option, o);
}

class RGLRULayer : public Recurrent<RGLRUCell> {
 public:
  using Recurrent::Recurrent;
};

/// RGLRU over a sequence; its options are RGLRUOptions.
inline Layer RGLRU(const RGLRUOptions& options) { return make_layer("RGLRU", options); }
TEMPO_OPTIONS(Layer RGLRU, RGLRUOptions);

}  // namespace tempo
