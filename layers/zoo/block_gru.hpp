// SPDX-License-Identifier: Apache-2.0
// The block-diagonal GRU of world models: the cell and the layer.
#pragma once

#include <tempo/einsum.hpp>
#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct BlockGRUOptions {
  int units = 0;
  int heads = 8;
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

/// The GRU of DreamerV3 (Hafner et al., 2025, the recurrent model of its program): blocks of the
/// state read x and themselves alone, what they make is normalised, and the bias of the update gate
/// is -1. Weights hold reset, candidate and update side by side, block after block.
class BlockGRUCell : public Cell<BlockGRUOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, BlockGRUOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("heads", o.heads, "How many blocks the state has, which do not read each other.",
           at_least(1));
  }

  void build(Weights& add, const Shape& input) {
    require_units("BlockGRU", options.units, 3);
    const int64_t heads = options.heads, width = zoo::head_width("BlockGRU", options);
    kernel = add("kernel", {input.back(), 3 * options.units}, glorot_uniform());
    recurrent = add("recurrent", {heads, width, 3 * width}, zoo::spread(width));
    scale = add("scale", {heads, 3 * width}, ones());
  }

  Step step(const Tensor& x, const State& s) const {
    const Tensor h = zoo::heads(s[0], options.heads);  // [batch, heads, width]
    Tensor raw =
        zoo::heads(matmul(x, kernel), options.heads) + einsum("bhd,hde->bhe", h, recurrent);
    auto [r, candidate, u] = split<3>(zoo::rms_norm(raw) * scale);
    Tensor update = sigmoid(u - 1);
    Tensor next = zoo::joined(update * tanh(sigmoid(r) * candidate) + (1 - update) * h);
    return {.output = next, .state = {next}};
  }

  Tensor kernel, recurrent, scale;
};

inline void describe(auto& option, BlockGRUOptions& o) {
  BlockGRUCell::describe(option, o);
  describe_recurrence(option, o);
}

class BlockGRULayer : public Recurrent<BlockGRUCell> {
 public:
  using Recurrent::Recurrent;
};

/// BlockGRU over a sequence; its options are BlockGRUOptions.
inline Layer BlockGRU(const BlockGRUOptions& options) { return make_layer("BlockGRU", options); }
TEMPO_OPTIONS(Layer BlockGRU, BlockGRUOptions);

}  // namespace tempo
