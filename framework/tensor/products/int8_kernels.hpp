// SPDX-License-Identifier: Apache-2.0
// The functions of one instruction set for the int8 product; int8.cpp selects one of these tables.
#pragma once

#include <cstdint>

namespace tempo {

/// Rows a [m, k] as `quantise` wrote them, lda bytes apart, four bytes for each group of
/// k, with a scale for each row; and b [k, n] as panels of `lanes` columns, [k / group,
/// lanes, group], padded with zeros, with a scale and an initial sum for each column, also
/// padded.
struct Int8Term {
  int64_t groups;
  const int8_t* a;
  int64_t lda;
  const float* a_scales;
  const int8_t* panels;
  const float* scales;
  const int32_t* first;
};

struct Int8Kernels {
  int64_t lanes, group;
  /// Added to each element of a row by `quantise`, and compensated by `first`.
  int32_t offset;
  /// The largest |a| as the bits of a float; more than those of the largest float if an element is
  /// NaN or infinite.
  int32_t (*largest)(int64_t k, const float* a);
  /// q = a * factor, rounded to the nearest integer, + offset, each in 4 / group bytes; writes up
  /// to the next multiple of 16 elements.
  void (*quantise)(int64_t k, const float* a, float factor, int8_t* q);
  /// c [m, n] = the int32 product times the scales of row and column, or c += that; then the bias
  /// [n] is added, which may be null.
  void (*multiply)(int64_t m, int64_t n, const Int8Term& term, float* c, int64_t ldc,
                   bool accumulate, const float* bias);
};

extern const Int8Kernels int8_baseline, int8_avx2, int8_vnni;

}  // namespace tempo
