// SPDX-License-Identifier: Apache-2.0
// A decoder that attends over a memory at each step: the cell and the layer.
#pragma once

#include <tempo/composition.hpp>
#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct AttentionDecoderOptions {
  int units = 0;
  int attention_units = 0;
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

/// The decoder of Bahdanau et al. (2015, appendix A.2): at each step the state attends to a memory
/// [batch, places, features], softmax(v tanh(W h + U memory)), and the features found there go into
/// a GRU, whose reset gate is applied before its product. It runs over {x, memory}; masked places
/// of the memory are not read. The weight kernel reads x, then these features; z, r and the
/// candidate stand side by side.
class AttentionDecoderCell : public Cell<AttentionDecoderOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, AttentionDecoderOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
    option("attention_units", o.attention_units,
           "Size in which state and memory are compared; 0: units.", at_least(0));
  }

  // The shapes of x at one step and of the memory.
  void build(Weights& add, const Shape& x, const Shape& memory) {
    require_units("AttentionDecoder", options.units, 3);
    const int64_t units = options.units, got = memory.back();
    const int64_t inner = options.attention_units > 0 ? options.attention_units : units;
    query = add("query", {units, inner}, glorot_uniform());
    key = add("key", {got, inner}, glorot_uniform());
    score = add("score", {inner, 1}, glorot_uniform());
    kernel = add("kernel", {x.back() + got, 3 * units}, glorot_uniform());
    recurrent = add("recurrent", {units, 2 * units}, orthogonal());
    recurrent_candidate = add("recurrent_candidate", {units, units}, orthogonal());
    bias = add("bias", {3 * units}, zeros());
  }

  Tensors once(const StepCall& call) const { return {matmul(call.constants[0], key)}; }

  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    const Tensor& h = s[0];
    Tensor asked = tanh(expand_dims(matmul(h, query), 1) + call.once[0]);
    Tensor scores = squeeze(matmul(asked, score), -1);  // [batch, places]
    if (call.constants.size() > 1) scores = where(call.constants[1], scores, -1e9);
    Tensor got = squeeze(matmul(expand_dims(softmax(scores), 1), call.constants[0]), 1);
    const int64_t units = options.units;
    const Tensors in = split(matmul(concat({x, got}), kernel) + bias, {2 * units, units});
    auto [z, r] = split<2>(sigmoid(in[0] + matmul(h, recurrent)));
    Tensor candidate = tanh(in[1] + matmul(r * h, recurrent_candidate));
    Tensor next = (1 - z) * h + z * candidate;
    return {.output = next, .state = {next}};
  }

  Tensor query, key, score, kernel, recurrent, recurrent_candidate, bias;
};

inline void describe(auto& option, AttentionDecoderOptions& o) {
  AttentionDecoderCell::describe(option, o);
  describe_recurrence(option, o);
}

/// Passes the memory to the cell as a constant of the call.
class AttentionDecoderLayer : public LayerOf<AttentionDecoderOptions> {
 public:
  AttentionDecoderLayer(AttentionDecoderOptions o = {}) : LayerOf(o), cell_(std::move(o)) {}

  void build(Weights& add, const Shapes& inputs) {
    require_memory(inputs);
    dtype_ = add.dtype();
    const Shape step = recurrence::step_shape(who, inputs[0], 3, false);
    cell_.build(add, step, inputs[1]);
    recurrence_.build(add, in_use(), options, {step});
  }

  Tensors call(const Tensors& inputs, const CallOptions& call) {
    Shapes shapes;
    for (const Tensor& t : inputs) shapes.push_back(t.shape());
    require_memory(shapes);
    if (inputs[0].traced() && inputs[1].traced() && shapes[0][1] == 1 && shapes[1][1] == 1)
      throw Error(std::string(who) +
                  ": it does not run in a Stream, which gives the memory step by step as it gives "
                  "x.\n  Call it on what there is, with .initial_state and return_state.");
    Tensors memory{inputs[1]};
    if (const Tensor mask = mask_of(inputs[1]))  // what is masked may be NaN, and 0 times that too
      memory = {where(expand_dims(mask, -1), inputs[1], 0), mask};
    return recurrence_.run(who, in_use(), options, {inputs[0]}, call,
                           sdk::CellForm<AttentionDecoderCell>::seen(call.training, memory, {}));
  }

  void reset_state() { recurrence_.reset(); }

 private:
  static constexpr const char* who = "AttentionDecoder";
  static void require_memory(const Shapes& inputs) {
    if (inputs.size() != 2)
      throw ShapeError(std::string(who) + ": takes {x, memory}, got " +
                       std::to_string(inputs.size()) +
                       " inputs.\n  Call it as decoder({x, memory}).");
    if (inputs[1].rank() != 3 || inputs[1][0] != inputs[0][0])
      throw ShapeError(std::string(who) + ": the memory is " + to_string(inputs[1]) + " for x of " +
                       to_string(inputs[0]) +
                       ".\n  It must be [batch, places, features], of x's batch.");
    if (inputs[1][1] == 0)
      throw ShapeError(std::string(who) + ": the memory is " + to_string(inputs[1]) +
                       ", of no places, and attention to nothing has no value.");
  }
  OwnCell<AttentionDecoderCell> in_use() const { return {cell_, dtype_}; }

  AttentionDecoderCell cell_;
  DType dtype_ = DType::automatic;
  Recurrence recurrence_;
};

/// AttentionDecoder over {x, memory}; its options are AttentionDecoderOptions.
inline Layer AttentionDecoder(const AttentionDecoderOptions& options) {
  return make_layer("AttentionDecoder", options);
}
TEMPO_OPTIONS(Layer AttentionDecoder, AttentionDecoderOptions);

}  // namespace tempo
