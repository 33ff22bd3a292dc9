// SPDX-License-Identifier: Apache-2.0
// What one instruction set brings to the packed product; packed.cpp chooses among these tables.
#pragma once

#include <cstdint>

namespace tempo {

/// One of the products a b that are added up, a [m, k] and packed b [k, n].
template <class T>
struct PackedTerm {
  int64_t k;
  const T* a;
  int64_t lda;
  const T* b;
};
constexpr int most_terms = 2;

/// A matrix b [k, n] is packed as panels of `width` columns, the last one cut to whole vectors of
/// `lanes`, each [k, columns] row-major and padded with zeros.
template <class T>
struct PackedKernels {
  int64_t lanes, width;
  /// c [m, n] (+)= the terms, one after the other, + bias; bias [n] may be null.
  void (*multiply)(int64_t m, int64_t n, const PackedTerm<T>* terms, int n_terms, T* c, int64_t ldc,
                   bool accumulate, const T* bias);
  /// c [m, n] (+)= at b for a [k, m] and b [k, n] as they are: each panel of b is packed while the
  /// first rows are multiplied.
  void (*multiply_transposed)(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
                              int64_t ldb, T* c, int64_t ldc, bool accumulate, T* scratch);
};

/// The scratch of multiply_transposed: a panel of b, and rows of at.
constexpr int64_t transposed_panel_bytes = 32 << 10, transposed_rows_bytes = 512 << 10;
constexpr int64_t most_rows_unpacked = 64;  // of at

struct PackedKernelSet {
  PackedKernels<float> of_float;
  PackedKernels<double> of_double;
};

extern const PackedKernelSet packed_baseline, packed_avx2, packed_avx512;

}  // namespace tempo
