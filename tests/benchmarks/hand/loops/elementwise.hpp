// SPDX-License-Identifier: Apache-2.0
// Shared by loops over heads. Only for files compiled with -ffast-math: each has its own copy.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace bench {

namespace {

inline float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }
inline float softplus(float x) { return std::max(x, 0.0f) + std::log(1 + std::exp(-std::abs(x))); }
inline float silu(float x) { return x * sigmoid(x); }
inline float silu_slope(float x) {
  const float s = sigmoid(x);
  return s * (1 + x * (1 - s));
}

/// Calls loop(width) with a width that the compiler knows if it is the usual one, provided that the
/// calls in it are inlined.
template <class Loop>
void with_width(int64_t width, Loop loop) {
  if (width == 64)
    loop(std::integral_constant<int64_t, 64>{});
  else
    loop(width);
}

inline float dot(int64_t n, const float* a, const float* b) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

using Numbers = std::vector<float>;
#define BENCH_INLINE [[gnu::always_inline]] inline

}  // namespace

}  // namespace bench
