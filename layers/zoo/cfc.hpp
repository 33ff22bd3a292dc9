// SPDX-License-Identifier: Apache-2.0
// Closed-form continuous-time networks: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>
#include <tempo/layers/zoo/gap.hpp>

namespace tempo TEMPO_HIDDEN {

struct CfCOptions {
  int units = 0;
  int backbone_units = 128;
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

/// CfC (Hasani et al., 2022, the default form of the authors' program): a layer reads x and h; from
/// its result, t = sigmoid(a * gap + b) chooses between two states. It runs over x, or over {x,
/// gap}; gap [batch, time, 1] is the time since the last step that counts, or 1 if it is not given.
/// With go_backwards, each step has the gap to the one after it, and the step that runs first has
/// that of the first step; RNN passes the gaps to the cell as they stand. Weights hold the two
/// states, a and b side by side.
class CfCCell : public Cell<CfCOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, CfCOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("backbone_units", o.backbone_units, "Size of the layer that reads x and h.",
           at_least(1));
  }

  static constexpr int sequence_count = 0;  // x alone, or x and the time since the step before
  static constexpr const char* sequences = "{x, gap}";
  static constexpr int step_rank = 2, gap_sequence = 1;

  void build(Weights& add, const Shapes& inputs) {
    require_units("CfC", options.units, 4);
    const int64_t units = options.units, inner = options.backbone_units;
    backbone = add("backbone", {inputs[0].back() + units, inner}, glorot_uniform());
    backbone_bias = add("backbone_bias", {inner}, zeros());
    kernel = add("kernel", {inner, 4 * units}, glorot_uniform());
    bias = add("bias", {4 * units}, zeros());
  }

  Step step(const Tensors& x, const State& s) const {
    Tensor read = matmul(concat({x[0], s[0]}), backbone) + backbone_bias;
    Tensor inner = 1.7159 * tanh(0.666 * read);
    auto [first, second, a, b] = split<4>(matmul(inner, kernel) + bias);
    Tensor t = sigmoid(a * zoo::time_of<CfCCell>(x, 1) + b);
    Tensor next = (1 - t) * tanh(first) + t * tanh(second);
    return {.output = next, .state = {next}};
  }

  Tensor backbone, backbone_bias, kernel, bias;
};

inline void describe(auto& option, CfCOptions& o) {
  CfCCell::describe(option, o);
  describe_recurrence(option, o);
}

class CfCLayer : public Recurrent<CfCCell> {
 public:
  using Recurrent::Recurrent;
};

/// CfC over x, or over {x, gap}; its options are CfCOptions.
inline Layer CfC(const CfCOptions& options) { return make_layer("CfC", options); }
TEMPO_OPTIONS(Layer CfC, CfCOptions);

}  // namespace tempo
