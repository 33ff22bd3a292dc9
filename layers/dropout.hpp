// SPDX-License-Identifier: Apache-2.0
// Elements set to 0 at random in training.
#pragma once

#include <tempo/cell.hpp>
#include <tempo/shared.hpp>

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
    const Tensor y = call.training ? dropout(x, options.rate, next_seed()) : x;
    return call.mask ? with_mask(y, call.mask) : y;
  }

 private:
  // A seed of its own for each call, so that they differ and the first call of each run is the
  // same. A saved model keeps the number of calls in an option, so that training goes on with it.
  int64_t next_seed() {
    if (options.seed < 0) return -1;
    const uint64_t key = static_cast<uint64_t>(options.seed) * 1000003 + calls_.next();
    return static_cast<int64_t>(key & 0x7fffffffffff);
  }
  Counter calls_{static_cast<uint64_t>(options.calls)};
};

/// Dropout; its options are DropoutOptions.
inline Layer Dropout(const DropoutOptions& options) { return make_layer("Dropout", options); }
TEMPO_OPTIONS(Layer Dropout, DropoutOptions);

}  // namespace tempo
