#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

struct EmbeddingOptions {
  int input_dim = 0;
  int output_dim = 0;
  Initializer embeddings_initializer = "uniform";
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
  option("mask_zero", o.mask_zero,
         "Whether id 0 is padding: it sets a mask for the layers behind.");
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
        add("embeddings", {options.input_dim, options.output_dim}, options.embeddings_initializer);
  }

  Tensor call(const Tensor& x, const CallOptions&) const {
    if (is_floating(x.dtype()) && !x.traced()) require_whole(x);
    const Tensor ids = is_floating(x.dtype()) ? cast(x, int32) : x;
    const Tensor y = gather(embeddings_, ids);
    return options.mask_zero ? with_mask(y, not_equal(ids, 0)) : y;
  }

 private:
  static void require_whole(const Tensor& x) {
    if (x.dtype() == float32)
      require_whole(x.data<float>(), x);
    else
      require_whole(x.data<double>(), x);
  }
  template <class T>
  static void require_whole(const T* ids, const Tensor& x) {
    for (int64_t i = 0, n = x.count(); i < n; ++i)
      if (!(ids[i] == std::floor(ids[i]) && std::abs(ids[i]) < T(2147483648)))
        throw Error("Embedding: id " + std::to_string(i) + " of " +
                    to_string(x.shape(), x.dtype()) + " is " + std::to_string(ids[i]) +
                    "; ids are whole numbers from 0 to input_dim - 1.\n  Is this input the ids, or "
                    "features that need no Embedding?");
  }

  Tensor embeddings_;
};

/// Vectors for ids; its options are EmbeddingOptions.
inline Layer Embedding(const EmbeddingOptions& options) { return make_layer("Embedding", options); }

}  // namespace tempo
