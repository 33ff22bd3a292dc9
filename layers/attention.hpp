// SPDX-License-Identifier: Apache-2.0
// Attention with one head: a mean of values, weighted by how well their keys fit a query.
#pragma once

#include <tempo/layers/recurrence_checks.hpp>
#include <tempo/layers/seeds.hpp>

namespace tempo TEMPO_HIDDEN {

struct AttentionOptions {
  bool use_scale = false;
  std::string score_mode = "dot";
  double dropout = 0;
  int64_t seed = -1;
  bool use_causal_mask = false;
  bool return_attention_scores = false;
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

struct AdditiveAttentionOptions {
  bool use_scale = true;
  double dropout = 0;
  int64_t seed = -1;
  bool use_causal_mask = false;
  bool return_attention_scores = false;
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

/// The options that all attention layers share: those of dropout, and those that Keras takes in the
/// call.
inline void describe_attention(auto& option, auto& o) {
  option("dropout", o.dropout, "Share of the weights that are set to 0 in training.",
         between(0, 1));
  sdk::describe_seed(option, o);
  option("use_causal_mask", o.use_causal_mask,
         "Whether a query sees no value behind its own place.");
  option("return_attention_scores", o.return_attention_scores,
         "Whether to give the weights, [batch, query time, value time], after the output.");
}

inline void describe(auto& option, AttentionOptions& o) {
  option("use_scale", o.use_scale, "Whether the scores are multiplied by a weight, `scale`.");
  option("score_mode", o.score_mode,
         "How well a key fits a query: by their product, or by the sum of tanh(query + key).",
         one_of("dot|concat"));
  describe_attention(option, o);
}
inline void describe(auto& option, AdditiveAttentionOptions& o) {
  option("use_scale", o.use_scale,
         "Whether the features are weighted by `scale` [features], or all alike.");
  describe_attention(option, o);
}

namespace attention {

/// Query, value and key, [batch, time, ...], without their masks; and these masks.
struct Inputs {
  Tensor query, value, key;
  Tensor query_mask, value_mask, key_mask;  ///< [batch, time] or Tensor{}

  /// Takes {query, value} or {query, value, key}. `mask` is the query's. Masked steps become 0, so
  /// that their contents have no effect.
  Inputs(const std::string& who, const Tensors& given, const Tensor& mask) : query_mask(mask) {
    require_count(who, given.size());
    value_mask = mask_of(given[1]);
    if (given.size() > 2) key_mask = mask_of(given[2]);
    query = counted(who, given[0], query_mask);
    value = counted(who, given[1], value_mask);
    key = given.size() > 2 ? counted(who, given[2], key_mask) : value;
    const Shape q = query.shape(), v = value.shape(), k = key.shape();
    if (q[0] != v[0] || v[0] != k[0] || v[1] != k[1])
      throw ShapeError(who + ": its inputs do not fit together\n  query  " + to_string(q) +
                       "\n  value  " + to_string(v) + "\n  key    " + to_string(k) +
                       "\n  All have one batch, and a key for each value.");
  }

  static void require_count(const std::string& who, std::size_t given) {
    if (given == 2 || given == 3) return;
    throw ShapeError(who + ": takes {query, value} or {query, value, key}, got " +
                     std::to_string(given) + (given == 1 ? " input" : " inputs") + ".\n  " +
                     (given == 1 ? "For self-attention give x twice: attention({x, x})."
                                 : "A mask rides on its input: with_mask(value, mask)."));
  }

  static void require_sequence(const std::string& who, const Shape& x) {
    if (x.rank() != 3)
      throw ShapeError(who + ": needs [batch, time, features], got " + to_string(x) +
                       ".\n  reshape(x, {batch, time, -1}) makes one axis of the features.");
  }

  /// The places that a query may attend to: bool, to be broadcast to [batch, query time, value
  /// time]; Tensor{} for all. With a window, they are less than `window` places away on both sides.
  Tensor allowed(bool causal, int window = 0) const {
    Tensor all;
    for (const Tensor& mask : {value_mask, key_mask})
      if (mask) all = both(all, expand_dims(mask, 1));
    if (!causal && window == 0) return all;
    const auto places = [](int64_t n, const Shape& shape) {
      return reshape(arange(0, static_cast<double>(n), 1, int64), shape);
    };
    const int64_t q = query.shape()[1], v = value.shape()[1];
    const Tensor of_query = places(q, {1, q, 1}), of_value = places(v, {1, 1, v});
    if (causal) all = both(all, of_query >= of_value);
    if (window > 0) all = both(all, abs(of_query - of_value) < window);
    return all;
  }
  static Tensor both(const Tensor& a, const Tensor& b) { return a ? logical_and(a, b) : b; }

 private:
  static Tensor counted(const std::string& who, const Tensor& x, const Tensor& mask) {
    static const sdk::Op counted_steps("counted_steps");
    require_sequence(who, x.shape());
    if (!mask) return x;
    recurrence::check_mask(who, mask, x.shape());
    return counted_steps(x, mask, {{"borrow", false}});
  }
};

/// The softmax of scores [..., query time, value time] over the allowed places. A query without any
/// has weights of 0.
inline Tensor weights(const Tensor& scores, const Tensor& allowed) {
  if (!allowed) return softmax(scores);
  // -1e9 is far below any score, and finite: softmax of it alone, and its gradient, are not NaN.
  return where(allowed, softmax(where(allowed, scores, -1e9)), 0);
}

/// Dropout of weights in training.
class WeightDropout {
 public:
  WeightDropout(double rate, int64_t seed) : rate_(rate), seeds_(seed) {}

  Tensor operator()(const Tensor& weights, bool training) {
    return training && rate_ > 0 ? dropout(weights, rate_, seeds_.next()) : weights;
  }
  void keep(Kept& keep) { seeds_.keep(keep); }

 private:
  double rate_;
  sdk::Seeds seeds_;
};

/// The layer made from a function that scores how well a query and a key fit.
template <class Layer, class Options>
class LayerOfScores : public LayerOf<Options> {
 public:
  using LayerOf<Options>::LayerOf;

  Tensors call(const Tensors& given, const CallOptions& call) {
    const Options& o = this->options;
    const Inputs in(Layer::who, given, call.mask);
    const Tensor scores = static_cast<const Layer&>(*this).scores(in.query, in.key);
    const Tensor weights = attention::weights(scores, in.allowed(o.use_causal_mask));
    Tensor y = matmul(dropout_(weights, call.training), in.value);
    if (in.query_mask) y = with_mask(where(expand_dims(in.query_mask, -1), y, 0), in.query_mask);
    return o.return_attention_scores ? Tensors{y, weights} : Tensors{y};
  }
  void keep_state(Kept& keep) { dropout_.keep(keep); }

 protected:
  static void require_same_features(const Shapes& inputs) {
    Inputs::require_count(Layer::who, inputs.size());
    for (const Shape& x : inputs) Inputs::require_sequence(Layer::who, x);
    const Shape &query = inputs[0], &key = inputs.back();
    if (query.back() != key.back())
      throw ShapeError(std::string(Layer::who) + ": a query has " + std::to_string(query.back()) +
                       " features and a key " + std::to_string(key.back()) +
                       ".\n  They must be as many; Dense makes them so, and MultiHeadAttention "
                       "does by itself.");
  }

 private:
  WeightDropout dropout_{this->options.dropout, this->options.seed};
};

}  // namespace attention

/// softmax(scale query key^T) value (Luong et al., 2015). Calls take {query, value} or {query,
/// value, key}, each [batch, time, features] with its own mask: a query attends to no masked value,
/// and the output at a masked query is 0. The output [batch, query time, value features] has the
/// query's mask.
class AttentionLayer : public attention::LayerOfScores<AttentionLayer, AttentionOptions> {
 public:
  using LayerOfScores::LayerOfScores;
  static constexpr const char* who = "Attention";

  void build(Weights& add, const Shapes& inputs) {
    require_same_features(inputs);
    if (options.use_scale) scale_ = add("scale", {}, ones());
    if (options.score_mode == "concat")
      concat_score_weight_ = add("concat_score_weight", {}, ones());
  }

  Tensor scores(const Tensor& query, const Tensor& key) const {
    if (options.score_mode == "dot") {
      const Tensor products = matmul(query, key, false, true);
      return scale_ ? products * scale_ : products;
    }
    const Tensor sums = expand_dims(query, 2) + expand_dims(key, 1);  // [batch, q, v, features]
    return concat_score_weight_ * sum(tanh(scale_ ? scale_ * sums : sums), -1);
  }

 private:
  Tensor scale_, concat_score_weight_;
};

/// As Attention, with the scores sum(scale tanh(query + key)) over the features (Bahdanau et al.,
/// 2015).
class AdditiveAttentionLayer
    : public attention::LayerOfScores<AdditiveAttentionLayer, AdditiveAttentionOptions> {
 public:
  using LayerOfScores::LayerOfScores;
  static constexpr const char* who = "AdditiveAttention";

  void build(Weights& add, const Shapes& inputs) {
    require_same_features(inputs);
    if (options.use_scale) scale_ = add("scale", {inputs[0].back()}, glorot_uniform());
  }

  Tensor scores(const Tensor& query, const Tensor& key) const {
    const Tensor fits = tanh(expand_dims(query, 2) + expand_dims(key, 1));
    return sum(scale_ ? scale_ * fits : fits, -1);
  }

 private:
  Tensor scale_;
};

/// Attention by products; its options are AttentionOptions.
inline Layer Attention(const AttentionOptions& options = {}) {
  return make_layer("Attention", options);
}
TEMPO_OPTIONS(Layer Attention, AttentionOptions);
/// Attention by sums; its options are AdditiveAttentionOptions.
inline Layer AdditiveAttention(const AdditiveAttentionOptions& options = {}) {
  return make_layer("AdditiveAttention", options);
}
TEMPO_OPTIONS(Layer AdditiveAttention, AdditiveAttentionOptions);

}  // namespace tempo
