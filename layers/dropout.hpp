// SPDX-License-Identifier: Apache-2.0
// Sets elements to 0 at random in training.
#pragma once

#include <tempo/layers/seeds.hpp>

namespace tempo TEMPO_HIDDEN {

struct DropoutOptions {
  double rate = 0.5;
  Shape noise_shape = {};
  int64_t seed = -1;
  Regularizer activity_regularizer = {};
  std::string name = "";
};

inline void describe(auto& option, DropoutOptions& o) {
  option("rate", o.rate, "Share of the elements that are set to 0.", between(0, 1));
  option("noise_shape", o.noise_shape,
         "Shape of the draws: 1 where one serves the whole axis, -1 for the input's extent.");
  sdk::describe_seed(option, o);
}

namespace sdk {
/// x with elements set to 0 by draws of this shape, which is broadcast to it; the others are scaled
/// by 1 / (1 - rate).
inline Tensor dropped(const Tensor& x, double rate, const Shape& draws, int64_t seed) {
  if (draws == x.shape() || rate == 0 || rate == 1) return dropout(x, rate, seed);
  return where(random_uniform(draws, 0, 1, x.dtype(), seed) >= rate, x / (1 - rate), 0);
}
}  // namespace sdk

/// In training, sets elements to 0 at random and scales the others by 1 / (1 - rate) (Srivastava et
/// al., 2014); otherwise returns x itself.
class DropoutLayer : public LayerOf<DropoutOptions> {
 public:
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const CallOptions& call) {
    const Shape draws = sdk::noise_shape("Dropout", options.noise_shape, x.shape());
    const Tensor y = call.training ? sdk::dropped(x, options.rate, draws, seeds_.next()) : x;
    return call.mask ? with_mask(y, call.mask) : y;
  }

  void keep_state(Kept& keep) { seeds_.keep(keep); }

 private:
  sdk::Seeds seeds_{options.seed};
};

/// Dropout; its options are DropoutOptions.
inline Layer Dropout(const DropoutOptions& options) { return make_layer("Dropout", options); }
TEMPO_OPTIONS(Layer Dropout, DropoutOptions);

}  // namespace tempo
