// SPDX-License-Identifier: Apache-2.0
// Elements set to 0 at random in training.
#pragma once

#include <tempo/cell.hpp>
#include <tempo/layers/call_seeds.hpp>

namespace tempo TEMPO_HIDDEN {

struct DropoutOptions {
  double rate = 0.5;
  int64_t seed = -1;
  std::string name = "";
  int64_t calls = 0;  ///< set by a saved model
};

inline void describe(auto& option, DropoutOptions& o) {
  option("rate", o.rate, "Share of the elements that are set to 0.", between(0, 1));
  option("seed", o.seed, "Of its random numbers; -1 draws from the ones that set_seed starts.",
         at_least(-1));
  option("calls", o.calls, "Calls in training before this one was made; a saved model sets it.",
         at_least(0));
}

/// In training sets elements to 0 at random and scales the others by 1 / (1 - rate) (Srivastava et
/// al., 2014); otherwise gives x itself.
class DropoutLayer : public LayerOf<DropoutOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) {
    const Tensor y = call.training ? dropout(x, options.rate, seeds_.next()) : x;
    return call.mask ? with_mask(y, call.mask) : y;
  }

 private:
  CallSeeds seeds_{options.seed, options.calls};
};

/// Dropout; its options are DropoutOptions.
inline Layer Dropout(const DropoutOptions& options) { return make_layer("Dropout", options); }

}  // namespace tempo
