// SPDX-License-Identifier: Apache-2.0
// Gated recurrent units: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/recurrent_dropout.hpp>

namespace tempo TEMPO_HIDDEN {

struct GRUOptions {
  int units = 0;
  Activation activation = "tanh";
  Activation recurrent_activation = "sigmoid";
  bool use_bias = true;
  double dropout = 0;
  double recurrent_dropout = 0;
  int64_t seed = -1;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  Initializer kernel_initializer = glorot_uniform();
  Initializer recurrent_initializer = orthogonal();
  Initializer bias_initializer = zeros();
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  bool reset_after = true;
  bool zero_output_for_mask = false;
  bool trainable_initial_state = false;
  bool recompute = false;
  int implementation = 2;
  std::string use_cudnn = "auto";
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

/// The gated recurrent unit (Cho et al., 2014; reset_after: as in cuDNN). Weights hold the gates
/// side by side in the order z, r, g; with reset_after, bias [2, 3 * units] has a row for the input
/// and one for the state.
class GRUCell : public CellWithDropout<GRUOptions> {
 public:
  using CellWithDropout::CellWithDropout;

  static void describe(auto& option, GRUOptions& o) {
    describe_recurrent_weights(option, o);
    option("recurrent_activation", o.recurrent_activation, "Of the gates z and r.");
    option("reset_after", o.reset_after,
           "Whether the gate r is applied after the product with recurrent_kernel, as cuDNN does.");
    describe_recurrent_dropout(option, o);
    describe_implementation(option, o);
  }

  static constexpr int step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("GRU", options.units, 3);
    const int64_t gates = 3 * options.units;
    const RecurrentRules rules(options);
    kernel = add("kernel", {input.back(), gates}, options.kernel_initializer, rules.kernel);
    recurrent_kernel = add("recurrent_kernel", {options.units, gates},
                           options.recurrent_initializer, rules.recurrent);
    if (options.use_bias)
      bias = add("bias", options.reset_after ? Shape{2, gates} : Shape{gates},
                 options.bias_initializer, rules.bias);
  }

  Step step(const Tensor& input, const State& s, const StepCall& call) const {
    const Tensor x = dropped_input(input, call), h = dropped_state(s[0], call);
    auto [z, g] = options.reset_after ? reset_after(x, h) : reset_before(x, h);
    Tensor next = z * s[0] + (1 - z) * g;
    return {.output = next, .state = {next}};
  }

  Tensor kernel, recurrent_kernel, bias;

 private:
  // Both return the update gate z and the candidate g.
  std::array<Tensor, 2> reset_after(const Tensor& x, const Tensor& h) const {
    auto [xz, xr, xg] = split<3>(biased(matmul(x, kernel), bias ? take(bias, 0) : bias));
    auto [hz, hr, hg] = split<3>(biased(matmul(h, recurrent_kernel), bias ? take(bias, 1) : bias));
    Tensor z = options.recurrent_activation(xz + hz);
    Tensor r = options.recurrent_activation(xr + hr);
    return {z, options.activation(xg + r * hg)};
  }
  std::array<Tensor, 2> reset_before(const Tensor& x, const Tensor& h) const {
    auto [xz, xr, xg] = split<3>(biased(matmul(x, kernel), bias));
    auto [to_z, to_r, to_g] = split<3>(recurrent_kernel);
    Tensor z = options.recurrent_activation(xz + matmul(h, to_z));
    Tensor r = options.recurrent_activation(xr + matmul(h, to_r));
    return {z, options.activation(xg + matmul(r * h, to_g))};
  }
};

inline void describe(auto& option, GRUOptions& o) {
  GRUCell::describe(option, o);
  describe_recurrence(option, o);
  describe_cudnn(option, o);
}

class GRULayer : public Recurrent<GRUCell> {
 public:
  using Recurrent::Recurrent;
};

/// Gated recurrent units over a sequence; its options are GRUOptions.
inline Layer GRU(const GRUOptions& options) { return make_layer("GRU", options); }
TEMPO_OPTIONS(Layer GRU, GRUOptions);

}  // namespace tempo
