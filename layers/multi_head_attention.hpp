// SPDX-License-Identifier: Apache-2.0
// Attention with several heads.
#pragma once

#include <tempo/layers/attention.hpp>

namespace tempo TEMPO_HIDDEN {

struct MultiHeadAttentionOptions {
  int num_heads = 0;
  int key_dim = 0;
  int value_dim = 0;
  double dropout = 0;
  bool use_bias = true;
  Shape output_shape = {};
  int sliding_window = 0;
  Initializer kernel_initializer = glorot_uniform();
  Initializer bias_initializer = zeros();
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  bool use_gate = false;
  int64_t seed = -1;
  bool use_causal_mask = false;
  bool return_attention_scores = false;
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

inline void describe(auto& option, MultiHeadAttentionOptions& o) {
  option("num_heads", o.num_heads, "How many heads look for something of their own.", at_least(0));
  option("key_dim", o.key_dim, "Size of the queries and keys of a head.", at_least(0));
  option("value_dim", o.value_dim, "Size of the values of a head; 0 is key_dim.", at_least(0));
  describe_attention(option, o);
  option("use_bias", o.use_bias, "Whether the projections add a bias.");
  option("output_shape", o.output_shape,
         "Of the output at each step; empty is the size of the query.");
  option("sliding_window", o.sliding_window,
         "A query sees values less than so many places away, before it and behind it; 0: all.",
         at_least(0));
  option("kernel_initializer", o.kernel_initializer, "First values of the projections' kernels.");
  option("bias_initializer", o.bias_initializer, "First values of the projections' biases.");
  option("kernel_regularizer", o.kernel_regularizer,
         "Penalty of each projection's kernel, added to the loss.");
  option("bias_regularizer", o.bias_regularizer,
         "Penalty of each projection's bias, added to the loss.");
  option("kernel_constraint", o.kernel_constraint,
         "What each projection's kernel fulfils after each update.");
  option("bias_constraint", o.bias_constraint,
         "What each projection's bias fulfils after each update.");
  option("use_gate", o.use_gate,
         "Whether what a head finds is multiplied by a gate, the sigmoid of one more projection of "
         "the query.");
}

namespace attention {

struct ProjectionOptions {
  int input_axes = 1;
  Shape output_shape = {};
  bool use_bias = true;
  Initializer kernel_initializer = glorot_uniform();
  Initializer bias_initializer = zeros();
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto& option, ProjectionOptions& o) {
  option("input_axes", o.input_axes, "How many axes of a step are summed over.", at_least(1));
  option("output_shape", o.output_shape, "Of the output at each step.");
  option("use_bias", o.use_bias, "Whether a bias is added.");
  option("kernel_initializer", o.kernel_initializer, "First values of kernel.");
  option("bias_initializer", o.bias_initializer, "First values of bias.");
  option("kernel_regularizer", o.kernel_regularizer, "Penalty of kernel, added to the loss.");
  option("bias_regularizer", o.bias_regularizer, "Penalty of bias, added to the loss.");
  option("kernel_constraint", o.kernel_constraint, "What kernel fulfils after each update.");
  option("bias_constraint", o.bias_constraint, "What bias fulfils after each update.");
}

/// x kernel + bias, with kernel [input axes..., output axes...] and bias [output axes...]: x
/// [batch, time, input axes...] to [batch, time, output axes...].
class ProjectionLayer : public LayerOf<ProjectionOptions> {
 public:
  using LayerOf::LayerOf;
  /// Reads inputs[0]; without output_shape, it projects to the features of inputs[1].
  void build(Weights& add, const Shapes& inputs) {
    const Shape& input = inputs[0];
    Shape to = options.output_shape;
    if (to.empty()) to = {inputs.at(1).back()};
    Shape kernel(input.end() - options.input_axes, input.end());
    for (const int64_t extent : to) kernel.push_back(extent);
    kernel_ =
        add("kernel", kernel, options.kernel_initializer,
            {.regularizer = options.kernel_regularizer, .constraint = options.kernel_constraint});
    if (options.use_bias)
      bias_ = add("bias", to, options.bias_initializer,
                  {.regularizer = options.bias_regularizer, .constraint = options.bias_constraint});
  }
  Tensor call(const Tensor& x, const CallOptions&) const {
    const Shape given = x.shape(), kernel = kernel_.shape();
    const Shape to(kernel.begin() + options.input_axes, kernel.end());
    Shape out{given[0], given[1]};
    for (const int64_t extent : to) out.push_back(extent);
    const Tensor z =
        matmul(reshape(x, {given[0], given[1], -1}), reshape(kernel_, {-1, to.count()}));
    return reshape(bias_ ? z + reshape(bias_, {-1}) : z, out);
  }

 private:
  Tensor kernel_, bias_;
};

}  // namespace attention

/// softmax(Q K^T / sqrt(key_dim)) V for each of num_heads heads, whose Q, K and V are projections
/// of query, key and value, and whose results are projected together (Vaswani et al., 2017). Calls
/// take {query, value} or {query, value, key}, each [batch, time, features] with a mask of its own.
/// The output [batch, query time, output_shape...] has the query's mask; the scores are [batch,
/// heads, query time, value time].
///
/// Weights are as in Keras: query/kernel [features, heads, key_dim] and query/bias [heads,
/// key_dim], key, gate and value likewise, attention_output/kernel [heads, value_dim, output...]
/// and its bias. activity_regularizer is a penalty of all projections, as in Keras.
class MultiHeadAttentionLayer : public LayerOf<MultiHeadAttentionOptions> {
 public:
  MultiHeadAttentionLayer(MultiHeadAttentionOptions o = {}) : LayerOf(std::move(o)) {
    if (options.num_heads < 1 || options.key_dim < 1)
      throw Error(
          std::string("MultiHeadAttention: ") + (options.num_heads < 1 ? "num_heads" : "key_dim") +
          " is not set.\n  Give both: MultiHeadAttention({.num_heads = 4, .key_dim = 16}).");
    query_ = projection("query", 1, {options.num_heads, options.key_dim});
    key_ = projection("key", 1, {options.num_heads, options.key_dim});
    if (options.use_gate) gate_ = projection("gate", 1, {options.num_heads, value_dim()});
    value_ = projection("value", 1, {options.num_heads, value_dim()});
    output_ = projection("attention_output", 2, options.output_shape);
  }

  void add_children(Children& add) {
    for (const Layer& child : {query_, key_, gate_, value_, output_})
      if (child) add(child);
  }

  void build(Weights& add, const Shapes& inputs) {
    attention::Inputs::require_count(who, inputs.size());
    for (const Shape& input : inputs) attention::Inputs::require_sequence(who, input);
    const Shape& query = inputs[0];
    query_.build({query}, add.dtype());
    key_.build({inputs.back()}, add.dtype());
    if (gate_) gate_.build({query}, add.dtype());
    value_.build({inputs[1]}, add.dtype());
    output_.build({{query[0], query[1], options.num_heads, value_dim()}, query}, add.dtype());
  }

  Tensors call(const Tensors& given, const CallOptions& call) {
    const attention::Inputs in(who, given, call.mask);
    const Tensor q =
        heads(query_(in.query)) * (1 / std::sqrt(static_cast<double>(options.key_dim)));
    Tensor allowed = in.allowed(options.use_causal_mask, options.sliding_window);
    if (allowed) allowed = expand_dims(allowed, 1);  // the same for all heads
    const Tensor weights = attention::weights(matmul(q, heads(key_(in.key)), false, true), allowed);
    const Tensor of_heads = matmul(dropout_(weights, call.training),
                                   heads(value_(in.value)));  // [batch, heads, time, value_dim]
    Tensor found = transpose(of_heads, {0, 2, 1, 3});         // [batch, time, heads, value_dim]
    if (gate_) found = found * sigmoid(gate_(in.query));
    Tensor y = output_(found);
    if (in.query_mask) y = with_mask(y, in.query_mask);
    return options.return_attention_scores ? Tensors{y, weights} : Tensors{y};
  }

  void keep_state(Kept& keep) { dropout_.keep(keep); }

 private:
  static constexpr const char* who = "MultiHeadAttention";

  int value_dim() const { return options.value_dim > 0 ? options.value_dim : options.key_dim; }
  /// The penalty of the last one's output is the layer's own, so it has none itself.
  Layer projection(const char* name, int input_axes, const Shape& shape) const {
    const bool is_last = input_axes == 2;
    return attention::ProjectionLayer(
        {.input_axes = input_axes,
         .output_shape = shape,
         .use_bias = options.use_bias,
         .kernel_initializer = options.kernel_initializer,
         .bias_initializer = options.bias_initializer,
         .kernel_regularizer = options.kernel_regularizer,
         .bias_regularizer = options.bias_regularizer,
         .kernel_constraint = options.kernel_constraint,
         .bias_constraint = options.bias_constraint,
         .activity_regularizer = is_last ? Regularizer{} : options.activity_regularizer,
         .name = name});
  }
  /// [batch, time, heads, size] to [batch, heads, time, size].
  static Tensor heads(const Tensor& x) { return transpose(x, {0, 2, 1, 3}); }

  Layer query_, key_, gate_, value_, output_;
  attention::WeightDropout dropout_{options.dropout, options.seed};
};

/// Attention with several heads; its options are MultiHeadAttentionOptions.
inline Layer MultiHeadAttention(const MultiHeadAttentionOptions& options) {
  return make_layer("MultiHeadAttention", options);
}
TEMPO_OPTIONS(Layer MultiHeadAttention, MultiHeadAttentionOptions);

}  // namespace tempo
