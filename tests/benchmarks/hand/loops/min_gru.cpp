// SPDX-License-Identifier: Apache-2.0
// Compiled with -O3 -march=native -ffast-math: the compiler's best.
#include "min_gru.hpp"

#include <algorithm>
#include <cmath>

namespace bench {

void min_gru_forward(int64_t time, int64_t units, const float* bias, float* gates, float* y,
                     float* h) {
  std::fill_n(h, units, 0.0f);
  for (int64_t t = 0; t < time; ++t, gates += 2 * units, y += units) {
    float *const z = gates, *const c = gates + units;
#pragma GCC ivdep
    for (int64_t i = 0; i < units; ++i) {
      const float gate = 1 / (1 + std::exp(-(z[i] + bias[i])));
      const float candidate = c[i] + bias[units + i];
      z[i] = gate;
      c[i] = candidate;
      h[i] += gate * (candidate - h[i]);
      y[i] = h[i];
    }
  }
}

void min_gru_backward(int64_t time, int64_t units, const float* y, const float* dy, float* gates,
                      float* dbias, float* dh) {
  std::fill_n(dh, units, 0.0f);
  for (int64_t t = time - 1; t >= 0; --t) {
    float *const z = gates + 2 * units * t, *const c = z + units;
    const float *const before = t > 0 ? y + (t - 1) * units : nullptr, *const d = dy + t * units;
#pragma GCC ivdep
    for (int64_t i = 0; i < units; ++i) {
      const float g = d[i] + dh[i], gate = z[i];
      const float dz = g * (c[i] - (before ? before[i] : 0.0f)) * gate * (1 - gate);
      dh[i] = g * (1 - gate);
      z[i] = dz;
      c[i] = g * gate;
      dbias[i] += dz;
      dbias[units + i] += g * gate;
    }
  }
}

}  // namespace bench
