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
  int embedding_units = 0;
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

/// The recurrent model of DreamerV3 (Hafner et al., 2025, as in its program). The whole state and x
/// are each embedded. Each block of the state reads itself and both embeddings, through one layer
/// and, after it, the gates of a GRU whose update begins at -1. Embeddings and the layer are
/// normalised to mean square 1, the layer over all blocks, and run through silu. Actions and
/// samples, apart in the program, are one x here. Weights of blocks read the block, the embedding
/// of the state, then that of x; reset, candidate and update stand side by side.
class BlockGRUCell : public Cell<BlockGRUOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, BlockGRUOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("heads", o.heads, "How many blocks the state has, which do not read each other.",
           at_least(1));
    option("embedding_units", o.embedding_units,
           "Size of what all blocks read of the state, and of x; 0: units / heads.", at_least(0));
  }

  static constexpr int step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("BlockGRU", options.units, 3);
    const int64_t units = options.units, heads = options.heads;
    const int64_t width = zoo::head_width("BlockGRU", options);
    const int64_t inner = options.embedding_units > 0 ? options.embedding_units : width;
    zoo::require_normal("BlockGRU", "an embedding", inner, "Give it {.embedding_units = 32}.");
    state_kernel = add("state_kernel", {units, inner}, lecun_normal());
    state_bias = add("state_bias", {inner}, zeros());
    state_scale = add("state_scale", {inner}, ones());
    kernel = add("kernel", {input.back(), inner}, lecun_normal());
    bias = add("bias", {inner}, zeros());
    scale = add("scale", {inner}, ones());
    hidden_kernel = add("hidden_kernel", {heads, width + 2 * inner, width}, lecun_normal());
    hidden_bias = add("hidden_bias", {units}, zeros());
    hidden_scale = add("hidden_scale", {units}, ones());
    gate_kernel = add("gate_kernel", {heads, width, 3 * width}, lecun_normal());
    gate_bias = add("gate_bias", {heads, 3 * width}, zeros());
  }

  Step step(const Tensor& x, const State& s) const {
    const int64_t heads = options.heads;
    const Tensor h = zoo::heads(s[0], heads);  // [batch, heads, width]
    Tensor of_state = normal(matmul(s[0], state_kernel) + state_bias, state_scale);
    Tensor of_x = normal(matmul(x, kernel) + bias, scale);
    const Tensor both = expand_dims(concat({of_state, of_x}), 1);  // for each block
    const Shape shape{h.shape()[0], heads, both.shape().back()};
    Tensor read = in_blocks(concat({h, broadcast_to(both, shape)}), hidden_kernel);
    Tensor hidden = normal(zoo::joined(read) + hidden_bias, hidden_scale);
    Tensor gates = in_blocks(zoo::heads(hidden, heads), gate_kernel) + gate_bias;
    auto [r, candidate, u] = split<3>(gates);
    Tensor update = sigmoid(u - 1);
    Tensor next = zoo::joined(update * tanh(sigmoid(r) * candidate) + (1 - update) * h);
    return {.output = next, .state = {next}};
  }

  Tensor state_kernel, state_bias, state_scale, kernel, bias, scale;
  Tensor hidden_kernel, hidden_bias, hidden_scale, gate_kernel, gate_bias;

 private:
  static Tensor normal(const Tensor& x, const Tensor& scale) {
    return silu(rms_norm(x, scale, 1e-4));
  }
  static Tensor in_blocks(const Tensor& x, const Tensor& W) { return einsum("bhd,hde->bhe", x, W); }
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
