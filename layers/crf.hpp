// SPDX-License-Identifier: Apache-2.0
// A linear chain over the tags of a sequence.
#pragma once

#include <tempo/crf.hpp>
#include <tempo/layers/recurrence_checks.hpp>

namespace tempo TEMPO_HIDDEN {

struct CRFOptions {
  int units = 0;
  bool use_boundary = true;
  Initializer kernel_initializer = glorot_uniform();
  Initializer chain_initializer = orthogonal();
  Initializer boundary_initializer = zeros();
  Initializer bias_initializer = zeros();
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

inline void describe(auto& option, CRFOptions& o) {
  option("units", o.units,
         "Number of tags, whose scores are a projection of the input; 0: the features of the input "
         "are the scores.",
         at_least(0));
  option("use_boundary", o.use_boundary, "Whether tags have scores for the first and last step.");
  option("kernel_initializer", o.kernel_initializer,
         "First values of kernel [features, units], if there are units.");
  option("chain_initializer", o.chain_initializer,
         "First values of chain_kernel [tags, tags], from a tag to the next.");
  option("boundary_initializer", o.boundary_initializer,
         "First values of left_boundary [tags] and right_boundary [tags].");
  option("bias_initializer", o.bias_initializer, "First values of bias [units].");
}

/// A conditional random field on a linear chain (Lafferty et al., 2001): a tag scores e_t(tag) at
/// each step of the input, chain_kernel[tag, next] from step to step, and left_boundary and
/// right_boundary at the first and the last step that counts.
///
/// Gives two results: the likeliest tags, int64 [batch, time], and the potentials that the loss
/// "crf_loss" reads, [batch, time, tag, previous tag]. So a model only needs it as its last layer:
///
///     Sequential model({Embedding({...}), Bidirectional(LSTM({...})), Dense({...}), CRF()});
///     model.compile({.optimizer = "adam", .loss = "crf_loss", .metrics = {"accuracy"}});
///     model.fit(words, tags);
///     Tensor predicted = model.predict(words);
///
/// Its options and weights are those of the layer of TensorFlow Addons. The loss chooses the result
/// that it reads; predict and metrics see the tags (docs/decisions/0011).
class CRFLayer : public LayerOf<CRFOptions> {
 public:
  using LayerOf::LayerOf;

  void build(Weights& add, const Shape& input) {
    require_sequence(input);
    const int64_t tags = options.units > 0 ? options.units : input.back();
    if (options.units > 0) {
      kernel_ = add("kernel", {input.back(), tags}, options.kernel_initializer);
      bias_ = add("bias", {tags}, options.bias_initializer);
    }
    chain_ = add("chain_kernel", {tags, tags}, options.chain_initializer);
    if (options.use_boundary) {
      left_ = add("left_boundary", {tags}, options.boundary_initializer);
      right_ = add("right_boundary", {tags}, options.boundary_initializer);
    }
  }

  Tensors call(const Tensors& inputs, const CallOptions& call) const {
    if (inputs.size() != 1)
      throw ShapeError("CRF: takes one input, got " + std::to_string(inputs.size()) +
                       ".\n  A mask rides on it: crf(with_mask(x, mask)).");
    require_sequence(inputs[0].shape());
    Tensor p = potentials(inputs[0], call.mask);
    if (call.mask) p = with_mask(p, call.mask);
    return {crf_decode(p), p};
  }

 private:
  static void require_sequence(const Shape& x) {
    if (x.rank() != 3)
      throw ShapeError("CRF: needs [batch, time, features], got " + to_string(x) +
                       ".\n  A recurrent layer before it needs .return_sequences = true.");
  }

  // [batch, time, tag, previous tag]
  Tensor potentials(const Tensor& x, const Tensor& mask) const {
    static const sdk::Op counted_steps("counted_steps");
    if (mask) recurrence::check_mask("CRF", mask, x.shape());
    Tensor scores = mask ? counted_steps(x, mask, {{"borrow", false}}) : x;
    if (kernel_) scores = matmul(scores, kernel_) + bias_;
    const Tensor counts = mask ? cast(mask, int32) : ones({1, x.shape()[1]}, int32);
    const auto end = [&](bool right) {  // true at the first or the last step that counts
      const Tensor is_end = equal(cumsum(counts, 1, right) * counts, 1);
      return reshape(is_end, {is_end.shape()[0], -1, 1, 1});
    };
    const Tensor from = expand_dims(scores, -1), chain = transpose(chain_);
    if (!left_) return from + where(end(false), 0, chain);
    return from + where(end(false), expand_dims(left_, -1), chain) +
           where(end(true), expand_dims(right_, -1), 0);
  }

  Tensor kernel_, bias_, chain_, left_, right_;
};

/// A linear chain over tags; its options are CRFOptions.
inline Layer CRF(const CRFOptions& options = {}) { return make_layer("CRF", options); }
TEMPO_OPTIONS(Layer CRF, CRFOptions);

}  // namespace tempo
