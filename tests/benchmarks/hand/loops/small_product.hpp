// SPDX-License-Identifier: Apache-2.0
// A product of matrices that lie in the first cache, for files compiled with -ffast-math.
#pragma once

#include "elementwise.hpp"

namespace bench {

namespace {

/// Adds to C [n, n] the product of A and B [n, n], or of A turned. Tiles of 4 x 16 stay in registers
/// where n is a multiple of 16.
template <bool turn_a>
BENCH_INLINE void add_product(int64_t n, const float* A, const float* B, float* C) {
  const auto a = [&](int64_t i, int64_t k) { return turn_a ? A[k * n + i] : A[i * n + k]; };
  if (n % 16 != 0) {
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < n; ++k)
        for (int64_t j = 0; j < n; ++j) C[i * n + j] += a(i, k) * B[k * n + j];
    return;
  }
  for (int64_t j = 0; j < n; j += 16)
    for (int64_t i = 0; i < n; i += 4) {
      float sum[4][16];
      for (int64_t row = 0; row < 4; ++row)
        for (int64_t column = 0; column < 16; ++column)
          sum[row][column] = C[(i + row) * n + j + column];
      for (int64_t k = 0; k < n; ++k)
        for (int64_t row = 0; row < 4; ++row)
          for (int64_t column = 0; column < 16; ++column)
            sum[row][column] += a(i + row, k) * B[k * n + j + column];
      for (int64_t row = 0; row < 4; ++row)
        for (int64_t column = 0; column < 16; ++column)
          C[(i + row) * n + j + column] = sum[row][column];
    }
}

}  // namespace

}  // namespace bench
