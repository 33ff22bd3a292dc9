// SPDX-License-Identifier: Apache-2.0
// The state of Mamba-2 over the steps of one head.
#pragma once

#include "matrices.hpp"

namespace bench {

struct Mamba2Loop : Heads {
  int64_t state_size;
  int64_t columns;     ///< of z; the last ones are dt of all heads
  float* z = nullptr;  ///< [steps, columns]; `backward` leaves ddt here
  const float *u = nullptr, *B = nullptr, *C = nullptr;  // [steps, channels()], begin in one row
  const float *rate = nullptr, *rate_bias = nullptr, *direct = nullptr;  // [heads]
  float* read = nullptr;  ///< [steps, units]; `backward` reads its gradient here
  float* kept = nullptr;  ///< [pairs, segments, state_size, width], or null without a gradient
  float* du = nullptr;    ///< [steps, channels()]
  float *dB = nullptr, *dC = nullptr;  ///< [steps, heads, state_size], as heads share B and C
  float *drate = nullptr, *drate_bias = nullptr, *ddirect = nullptr;  ///< [pairs]; added to

  void forward(int64_t pair) const;
  void backward(int64_t pair) const;
  int64_t channels() const { return units() + 2 * state_size; }
};

/// Sums the heads' parts of dB or dC at each step: [steps, heads, n] to columns of [steps, m].
void sum_over_heads(int64_t steps, int64_t heads, int64_t n, const float* parts, int64_t m,
                    float* sums);

}  // namespace bench
