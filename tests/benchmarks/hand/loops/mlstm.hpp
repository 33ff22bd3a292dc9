// SPDX-License-Identifier: Apache-2.0
// mLSTM over the steps of one head.
#pragma once

#include "matrices.hpp"

namespace bench {

struct MLSTMLoop : Heads {
  /// [steps, 4 * units + 2 * heads]: q, k, v and o, head after head, then i and f of all heads.
  /// `backward` leaves their gradients here.
  float* z = nullptr;
  const float *bias = nullptr, *gate_bias = nullptr;
  float* y = nullptr;  ///< [steps, units]
  /// C, n and m before each segment, [pairs, segments, room()], or null without a gradient.
  float* kept = nullptr;
  const float* dy = nullptr;
  float *dbias = nullptr, *dgate_bias = nullptr;  ///< [pairs, 4 * width], [pairs, 2]; added to

  void forward(int64_t pair) const;
  void backward(int64_t pair) const;
  int64_t columns() const { return 4 * units() + 2 * heads; }
  int64_t room() const { return width * width + width + 1; }
};

}  // namespace bench
