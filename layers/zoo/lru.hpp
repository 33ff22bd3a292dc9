// SPDX-License-Identifier: Apache-2.0
// The linear recurrent unit: the cell and the layer.
#pragma once

#include <string>

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct LRUOptions {
  int units = 0;
  int state_size = 64;
  double min_radius = 0.4;
  double max_radius = 0.99;
  double max_phase = 6.283;
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

/// LRU (Orvieto et al., 2023, section 3): a linear recurrence with a complex diagonal, l = e^(-e^nu
/// + i e^theta), which begins uniform in a ring: h' = l h + g B x, y = Re(C h') + D x. States are
/// the real and the imaginary parts of h, [batch, state_size].
class LRUCell : public Cell<LRUOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, LRUOptions& o) {
    option("units", o.units, "Size of the output.", at_least(0));
    option("state_size", o.state_size, "How many complex numbers the state has.", at_least(1));
    option("min_radius", o.min_radius, "Least length of a diagonal element at first.",
           between(0, 1));
    option("max_radius", o.max_radius, "Greatest length of one at first.", between(0, 1));
    option("max_phase", o.max_phase, "Greatest angle of one at first.", at_least(0.002));
  }

  static constexpr int step_rank = 2;
  Shapes state_shapes(int64_t batch) const { return Shapes(2, Shape{batch, options.state_size}); }

  void build(Weights& add, const Shape& input) {
    require_units("LRU", options.units);
    if (options.min_radius >= options.max_radius)
      throw Error("LRU: min_radius is " + sdk::shortest(options.min_radius) + " and max_radius " +
                  sdk::shortest(options.max_radius) +
                  "; the states' decays begin between the two.\n  Make max_radius the greater.");
    const int64_t n = options.state_size, units = options.units;
    const double low = options.min_radius * options.min_radius;
    const double high = options.max_radius * options.max_radius;
    const Tensor squared = random_uniform({n}, low, high, add.dtype());  // of the radius
    nu = add("nu", log(-log(squared) / 2));
    theta = add("theta", log(random_uniform({n}, 0.001, options.max_phase, add.dtype())));
    gamma = add("gamma", log(1 - squared) / 2);
    in = add("in", {2, input.back(), n}, zoo::spread(2 * input.back()));
    out = add("out", {2, n, units}, zoo::spread(n));
    direct = add("direct", {input.back(), units}, glorot_uniform());
  }

  Tensors once(const StepCall&) const {  // l
    const Tensor radius = exp(-exp(nu)), phase = exp(theta);
    return {radius * cos(phase), radius * sin(phase)};
  }

  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const auto& [re, im] = s.as<2>();
    const Tensor &l_re = call.once[0], &l_im = call.once[1];
    Tensor next_re = l_re * re - l_im * im + exp(gamma) * matmul(x, take(in, 0));
    Tensor next_im = l_re * im + l_im * re + exp(gamma) * matmul(x, take(in, 1));
    Tensor y = matmul(next_re, take(out, 0)) - matmul(next_im, take(out, 1)) + matmul(x, direct);
    return {.output = y, .state = {next_re, next_im}};
  }

  static constexpr bool takes_constants = false;
  Tensor nu, theta, gamma, in, out, direct;
};

inline void describe(auto& option, LRUOptions& o) {
  LRUCell::describe(option, o);
  describe_recurrence(option, o);
}

class LRULayer : public Recurrent<LRUCell> {
 public:
  using Recurrent::Recurrent;
};

/// LRU over a sequence; its options are LRUOptions.
inline Layer LRU(const LRUOptions& options) { return make_layer("LRU", options); }
TEMPO_OPTIONS(Layer LRU, LRUOptions);

}  // namespace tempo
