// SPDX-License-Identifier: Apache-2.0
// A vector for each id.
#pragma once

#include <tempo/layers/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

struct EmbeddingOptions {
  int input_dim = 0;
  int output_dim = 0;
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

inline void describe(auto& option, EmbeddingOptions& o) {
  option("input_dim", o.input_dim, "Size of the vocabulary: the largest id plus 1.", at_least(0));
  option("output_dim", o.output_dim, "Size of the vector of each id.", at_least(0));
  option("embeddings_initializer", o.embeddings_initializer,
         "First values of embeddings [input_dim, output_dim].");
  option("embeddings_regularizer", o.embeddings_regularizer,
         "Penalty of embeddings, added to the loss.");
  option(
      "embeddings_constraint", o.embeddings_constraint,
      "What embeddings fulfils after each update; a norm along axis 1 is that of an id's vector.");
  option("mask_zero", o.mask_zero,
         "Whether id 0 is padding: it sets a mask for the layers after it.");
}

/// A row of a table for each id: ids [...] to [..., output_dim] (Bengio et al., 2003).
class EmbeddingLayer : public LayerOf<EmbeddingOptions> {
 public:
  using LayerOf::LayerOf;

  void build(Weights& add, const Shape&) {
    if (options.input_dim < 1 || options.output_dim < 1)
      throw Error(std::string("Embedding: ") +
                  (options.input_dim < 1 ? "input_dim" : "output_dim") +
                  " is not set.\n  Give both: Embedding({.input_dim = 2000, .output_dim = 64}).");
    embeddings_ =
        add("embeddings", {options.input_dim, options.output_dim}, options.embeddings_initializer,
            {.regularizer = options.embeddings_regularizer,
             .constraint = options.embeddings_constraint});
  }

  Tensor call(const Tensor& x, const CallOptions& call) const {
    static const sdk::Op index("index"), counted_steps("counted_steps");
    // Masked elements need not be ids.
    const bool masked = sdk::is_mask_of(call.mask, x);
    const auto counted = [](const Tensor& steps, const Tensor& mask) {
      return counted_steps(steps, mask, {{"borrow", false}});
    };
    const Tensor given = masked ? sdk::as_sequences(x, call.mask, counted) : x;
    const Tensor ids = index(
        given, {{"bound", options.input_dim}, {"who", name().c_str()}, {"rule", rule().c_str()}});
    const Tensor rows = gather(embeddings_, ids);
    const Tensor y = sdk::with_mask_of(call, rows);
    if (!options.mask_zero) return y;
    const Tensor mask = not_equal(ids, 0);
    return with_mask(y, masked ? logical_and(mask, sdk::against(x, call.mask)) : mask);
  }

 private:
  /// The layer's path, taken from that of its weight.
  std::string name() const {
    const std::string path = embeddings_.path();
    return path.substr(0, path.rfind('/'));
  }
  std::string rule() const {
    return "ids are whole numbers from 0 to input_dim - 1, here " +
           std::to_string(options.input_dim - 1) +
           ".\n  input_dim is the largest id plus 1; numbers that are no ids need no "
           "Embedding.";
  }

  Tensor embeddings_;
};

/// Vectors for ids; its options are EmbeddingOptions.
inline Layer Embedding(const EmbeddingOptions& options) { return make_layer("Embedding", options); }
TEMPO_OPTIONS(Layer Embedding, EmbeddingOptions);

}  // namespace tempo
