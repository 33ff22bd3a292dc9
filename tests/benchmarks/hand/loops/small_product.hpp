// SPDX-License-Identifier: Apache-2.0
// A product of matrices that lie in the first cache, for files compiled with -ffast-math.
#pragma once

#include "elementwise.hpp"

namespace bench {

namespace {

#ifdef __AVX512F__
constexpr int64_t lanes = 16;
#else
constexpr int64_t lanes = 8;
#endif
typedef float Vector __attribute__((vector_size(lanes * sizeof(float)), aligned(4), may_alias));

/// Adds 4 rows of a product, two vectors wide, to C; `row` and `column` are A's strides along rows
/// and columns.
inline void add_tile(int64_t n, const float* A, int64_t row, int64_t column, const float* B,
                     float* C) {
  const auto at = [&](int64_t i, int64_t j) -> Vector& {
    return *reinterpret_cast<Vector*>(C + i * n + j);
  };
  Vector c00 = at(0, 0), c01 = at(0, lanes), c10 = at(1, 0), c11 = at(1, lanes);
  Vector c20 = at(2, 0), c21 = at(2, lanes), c30 = at(3, 0), c31 = at(3, lanes);
  for (int64_t k = 0; k < n; ++k, A += column, B += n) {
    const Vector b0 = *reinterpret_cast<const Vector*>(B),
                 b1 = *reinterpret_cast<const Vector*>(B + lanes);
    c00 += A[0] * b0;
    c01 += A[0] * b1;
    c10 += A[row] * b0;
    c11 += A[row] * b1;
    c20 += A[2 * row] * b0;
    c21 += A[2 * row] * b1;
    c30 += A[3 * row] * b0;
    c31 += A[3 * row] * b1;
  }
  at(0, 0) = c00, at(0, lanes) = c01, at(1, 0) = c10, at(1, lanes) = c11;
  at(2, 0) = c20, at(2, lanes) = c21, at(3, 0) = c30, at(3, lanes) = c31;
}

/// Adds the product of A, or of A transposed, and B [n, n] to C [n, n].
template <bool turn_a>
BENCH_INLINE void add_product(int64_t n, const float* A, const float* B, float* C) {
  const int64_t row = turn_a ? 1 : n, column = turn_a ? n : 1;
  if (n % (2 * lanes) != 0) {
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < n; ++k)
        for (int64_t j = 0; j < n; ++j) C[i * n + j] += A[i * row + k * column] * B[k * n + j];
    return;
  }
  for (int64_t j = 0; j < n; j += 2 * lanes)
    for (int64_t i = 0; i < n; i += 4) add_tile(n, A + i * row, row, column, B + j, C + i * n + j);
}

}  // namespace

}  // namespace bench
