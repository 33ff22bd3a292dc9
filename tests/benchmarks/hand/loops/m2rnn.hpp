// SPDX-License-Identifier: Apache-2.0
// The state of M2RNN over the steps of one head.
#pragma once

#include "matrices.hpp"

namespace bench {

struct M2RNNLoop : Heads {
  int64_t columns;     ///< of z; the last ones are f of all heads
  float* z = nullptr;  ///< [steps, columns]; `backward` leaves df here
  /// [steps, 3 * units]: q, k and v; or their gradients.
  const float* qkv = nullptr;
  float* dqkv = nullptr;
  const float *recurrent = nullptr, *direct = nullptr;  // [heads, width, width], [heads, width]
  const float *rate = nullptr, *rate_bias = nullptr;    // [heads]
  float* read = nullptr;  ///< [steps, units]; `backward` reads its gradient here
  float* kept = nullptr;  ///< [pairs, segments, width, width], or null without a gradient
  /// Gradients of the weights, [pairs, ...]; added to.
  float *drecurrent = nullptr, *ddirect = nullptr, *drate = nullptr, *drate_bias = nullptr;

  void forward(int64_t pair) const;
  void backward(int64_t pair) const;
};

}  // namespace bench
