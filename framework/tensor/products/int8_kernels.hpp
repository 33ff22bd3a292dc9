// SPDX-License-Identifier: Apache-2.0
// What one instruction set brings to the product in int8; int8.cpp chooses among these tables.
#pragma once

#include <cstdint>

namespace tempo {

/// Rows a [m, k] as `quantise` wrote them at a distance of lda bytes, four bytes for each group of
/// k, and a scale for each row; and b [k, n] as panels of `lanes` columns, [k / group, lanes,
/// group] and padded with zeros, with a scale and a first value of the sum for each column, also
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
  /// What is added to each element of a row, and taken off again by `first`.
  int32_t offset;
  /// The largest of |a| as the bits of a float: more than those of the largest float where an
  /// element is NaN or infinite.
  int32_t (*largest)(int64_t k, const float* a);
  /// q = a * factor, to the nearest integer, + offset, each in 4 / group bytes; up to the next
  /// multiple of 16 elements are written.
  void (*quantise)(int64_t k, const float* a, float factor, int8_t* q);
  /// c [m, n] = the product in int32, times the scales of row and column, or c += that; then the
  /// bias [n] is added, which may be null.
  void (*multiply)(int64_t m, int64_t n, const Int8Term& term, float* c, int64_t ldc,
                   bool accumulate, const float* bias);
};

extern const Int8Kernels int8_baseline, int8_avx2, int8_vnni;

}  // namespace tempo
