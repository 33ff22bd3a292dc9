// SPDX-License-Identifier: Apache-2.0
// The functions of one instruction set for the packed product; packed.cpp selects a table.
#pragma once

#include <cstdint>

namespace tempo {

/// One of the products a b in a sum, of a [m, k] and packed b [k, n].
template <class T>
struct PackedTerm {
  int64_t k;
  const T* a;
  int64_t lda;
  const T* b;
};
constexpr int most_terms = 2;

/// A matrix b [k, n] is packed as panels of `width` columns. The last panel is cut to whole vectors
/// of `lanes`. Each panel is [k, columns], row-major and padded with zeros.
template <class T>
struct PackedKernels {
  int64_t lanes, width;
  /// c [m, n] (+)= the sum of the terms, in order, + bias; bias [n] may be null.
  void (*multiply)(int64_t m, int64_t n, const PackedTerm<T>* terms, int n_terms, T* c, int64_t ldc,
                   bool accumulate, const T* bias);
  /// c [m, n] (+)= a^T b for unpacked a [k, m] and b [k, n]: each panel of b is packed while the
  /// first rows are multiplied.
  void (*multiply_transposed)(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
                              int64_t ldb, T* c, int64_t ldc, bool accumulate, T* scratch);
};

/// The scratch memory of multiply_transposed: a panel of b, and rows of a^T.
constexpr int64_t transposed_panel_bytes = 32 << 10, transposed_rows_bytes = 512 << 10;
constexpr int64_t most_rows_unpacked = 64;  // of a^T

struct PackedKernelSet {
  PackedKernels<float> of_float;
  PackedKernels<double> of_double;
};

extern const PackedKernelSet packed_baseline, packed_avx2, packed_avx512;

}  // namespace tempo
