// SPDX-License-Identifier: Apache-2.0
// Gated DeltaNet over the steps of one head.
#pragma once

#include "matrices.hpp"

namespace bench {

struct GatedDeltaNetLoop : Heads {
  /// [steps, 4 * units + 2 * heads]: q, k, v and the output's gate, head after head, then a and b
  /// of all heads. `backward` leaves their gradients here.
  float* z = nullptr;
  const float *rate = nullptr, *rate_bias = nullptr, *scale = nullptr;
  float* y = nullptr;     ///< [steps, units]
  float* kept = nullptr;  ///< [pairs, segments, width, width], or null without a gradient
  const float* dy = nullptr;
  float *drate = nullptr, *drate_bias = nullptr;  ///< [pairs]; added to
  float* dscale = nullptr;                        ///< [pairs, width]; added to

  void forward(int64_t pair) const;
  void backward(int64_t pair) const;
  int64_t columns() const { return 4 * units() + 2 * heads; }
};

}  // namespace bench
