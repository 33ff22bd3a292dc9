// SPDX-License-Identifier: Apache-2.0
// The packed product in terms of SIMD vectors, included by one .cpp file per instruction set, which
// first defines:
//   TEMPO_KERNEL           the target attribute of all functions here
//   Simd<T>                Vector, lanes, most_rows; zero, load, store, load_part, store_part,
//   repeat, add, fma
// Nothing here may call an inline function of another header: it would be compiled for this
// instruction set, and the linker might use it everywhere.
#pragma once

#include "tensor/products/packed_kernels.hpp"

#if defined(__clang__)
#define TEMPO_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TEMPO_UNROLL _Pragma("GCC unroll 16")
#endif

namespace tempo {
namespace {

/// One of the products a b that a block sums.
template <class T>
struct Term {
  int64_t k;
  const T* a;
  int64_t a_stride;  // between rows; with `columns_of_a` between steps of k; the other stride is 1
  const T* b;
  int64_t b_stride;  // between panels; with `packs` between rows
};

template <class T>
struct Operands {
  Term<T> terms[most_terms];
  int n_terms;
  T* packed;  // the place to which `packs` writes the panel
  T* c;
  int64_t ldc;
  int64_t columns;  // of c
  bool accumulate;
  const T* bias = nullptr;  // added to each row of c
};

/// The way in which a block reads its operands.
struct Form {
  bool columns_of_a = false;  // a is stored as its transpose
  bool packs = false;         // b is not packed yet, and the block packs it in passing
  bool part = false;          // the last vector is stored up to `columns` only
};

/// Computes rows x (panels * vectors) vectors of c; each element is summed over k in order.
template <class T, int rows, int vectors, int panels, Form form>
TEMPO_KERNEL void multiply_block(const Operands<T>& o) {
  using S = Simd<T>;
  using Vector = typename S::Vector;
  constexpr int all = vectors * panels;
  constexpr int64_t lanes = S::lanes;
  constexpr int64_t line_elements = 64 / sizeof(T), ahead = 2048 / sizeof(T), rows_ahead = 16,
                    columns_ahead = 8;
  constexpr int lines = static_cast<int>((vectors * lanes + line_elements - 1) / line_elements);
  const int64_t ldc = o.ldc, last = o.columns - (all - 1) * lanes;
  Vector sum[rows][all];
  TEMPO_UNROLL
  for (int r = 0; r < rows; ++r) {
    TEMPO_UNROLL
    for (int v = 0; v < all; ++v) sum[r][v] = S::zero();
  }
  // c is prefetched row by row while the sums are made: all at once it would delay the loads of a
  // and b.
  const T* row_of_c = o.c;
  int rows_to_fetch = rows;
  const int64_t even_pace = o.terms[0].k / (rows + 1), pace = even_pace < 4 ? 4 : even_pace;
  T* packed = o.packed;
  for (const Term<T>*t = o.terms, *end = o.terms + o.n_terms; t < end; ++t) {
    const int64_t a_row = form.columns_of_a ? 1 : t->a_stride;
    const int64_t a_step = form.columns_of_a ? t->a_stride : 1;
    const int64_t panel = form.packs ? 0 : t->b_stride;
    const int64_t b_step = form.packs ? t->b_stride : vectors * lanes;
    const T* a = t->a;
    const T* b = t->b;
    for (int64_t left = t->k; left > 0;) {
      int64_t steps = left;
      if (rows_to_fetch > 0) {
        TEMPO_UNROLL
        for (int v = 0; v < all; ++v) __builtin_prefetch(row_of_c + v * lanes, 1);
        row_of_c += ldc;
        --rows_to_fetch;
        if (pace < steps) steps = pace;
      }
      left -= steps;
      for (; steps > 0; --steps) {
        Vector factor[all];
        TEMPO_UNROLL
        for (int v = 0; v < all; ++v)
          factor[v] = S::load(b + v / vectors * panel + v % vectors * lanes);
        if constexpr (form.packs) {
          TEMPO_UNROLL
          for (int v = 0; v < all; ++v) S::store(packed + v * lanes, factor[v]);
          packed += all * lanes;
        }
        if constexpr (form.columns_of_a) __builtin_prefetch(a + columns_ahead * a_step);
        if constexpr (form.packs || (rows > 1 && !form.columns_of_a)) {  // else it does not help
          TEMPO_UNROLL
          for (int line = 0; line < panels * lines; ++line)
            __builtin_prefetch(b + line / lines * panel + line % lines * line_elements +
                               (form.packs ? rows_ahead * b_step : ahead));
        }
        TEMPO_UNROLL
        for (int r = 0; r < rows; ++r) {
          const Vector x = S::repeat(a[r * a_row]);
          TEMPO_UNROLL
          for (int v = 0; v < all; ++v) sum[r][v] = S::fma(x, factor[v], sum[r][v]);
        }
        a += a_step;
        b += b_step;
      }
    }
  }
  TEMPO_UNROLL
  for (int r = 0; r < rows; ++r) {
    TEMPO_UNROLL
    for (int v = 0; v < all; ++v) {
      T* to = o.c + r * ldc + v * lanes;
      if (form.part && v == all - 1) {
        if (o.accumulate) sum[r][v] = S::add(S::load_part(to, last), sum[r][v]);
        if (o.bias) sum[r][v] = S::add(sum[r][v], S::load_part(o.bias + v * lanes, last));
        S::store_part(to, sum[r][v], last);
      } else {
        if (o.accumulate) sum[r][v] = S::add(S::load(to), sum[r][v]);
        if (o.bias) sum[r][v] = S::add(sum[r][v], S::load(o.bias + v * lanes));
        S::store(to, sum[r][v]);
      }
    }
  }
}

/// Two vectors per panel; with few rows, several panels at once keep enough sums in flight.
constexpr int panel_vectors = 2;
constexpr int panels_at_once(int rows, int most_rows) {
  return rows == 1 ? 4 : rows == 2 ? (most_rows > 8 ? 4 : 2) : rows == 3 && most_rows > 8 ? 2 : 1;
}

template <class T>
using RowKernel = void (*)(const Operands<T>&);

/// The functions for some number of rows: for a panel, and for the rest at the right.
template <class T>
struct RowKernels {
  RowKernel<T> panel = nullptr, one_vector = nullptr, two_vectors = nullptr;
  RowKernel<T> panel_packing = nullptr;
  RowKernel<T> several_panels = nullptr;
  int64_t at_once = 1;

  RowKernel<T> for_columns(int64_t columns) const {
    return columns == panel_vectors * Simd<T>::lanes ? panel
           : columns <= Simd<T>::lanes               ? one_vector
                                                     : two_vectors;
  }
};

template <class T>
struct KernelsByRows {
  RowKernels<T> of[Simd<T>::most_rows + 1];
};

template <class T, bool columns_of_a, int rows>
constexpr void fill(KernelsByRows<T>& table) {
  constexpr int at_once = panels_at_once(rows, Simd<T>::most_rows);
  constexpr Form form{columns_of_a}, part{columns_of_a, false, true}, packing{columns_of_a, true};
  RowKernels<T>& kernels = table.of[rows];
  kernels.panel = multiply_block<T, rows, panel_vectors, 1, form>;
  kernels.one_vector = multiply_block<T, rows, 1, 1, part>;
  kernels.two_vectors = multiply_block<T, rows, 2, 1, part>;
  if constexpr (columns_of_a) {
    kernels.panel_packing = multiply_block<T, rows, panel_vectors, 1, packing>;
  } else {
    kernels.several_panels = multiply_block<T, rows, panel_vectors, at_once, form>;
    kernels.at_once = at_once;
  }
  if constexpr (rows < Simd<T>::most_rows) fill<T, columns_of_a, rows + 1>(table);
}
template <class T, bool columns_of_a>
constexpr KernelsByRows<T> all_kernels() {
  KernelsByRows<T> table{};
  fill<T, columns_of_a, 1>(table);
  return table;
}
template <class T, bool columns_of_a>
constexpr KernelsByRows<T> kernels_by_rows = all_kernels<T, columns_of_a>();

/// Splits m rows into few groups of nearly equal height.
template <class T>
struct RowGroups {
  int64_t count, shorter, longer;
  TEMPO_KERNEL explicit RowGroups(int64_t m)
      : count((m - 1) / Simd<T>::most_rows + 1), shorter(m / count), longer(m % count) {}
  TEMPO_KERNEL int64_t rows(int64_t i) const { return i < longer ? shorter + 1 : shorter; }
};

template <class T>
TEMPO_KERNEL void multiply_packed(int64_t m, int64_t n, const PackedTerm<T>* terms, int n_terms,
                                  T* c, int64_t ldc, bool accumulate, const T* bias) {
  constexpr int64_t width = panel_vectors * Simd<T>::lanes;
  if (m <= 0) return;
  const RowGroups<T> groups(m);
  const RowKernels<T>* by_rows = kernels_by_rows<T, false>.of;
  const int64_t at_once = groups.count == 1 ? by_rows[m].at_once : 1;
  for (int64_t j = 0; j < n;) {
    const int64_t left = n - j;
    const bool several = at_once > 1 && left >= at_once * width;
    const int64_t columns = several ? at_once * width : left < width ? left : width;
    Operands<T> o{{}, n_terms, nullptr, c + j, ldc, columns, accumulate, bias ? bias + j : nullptr};
    for (int t = 0; t < n_terms; ++t) {
      const PackedTerm<T>& from = terms[t];
      o.terms[t] = {from.k, from.a, from.lda, from.b + j * from.k, from.k * width};
    }
    for (int64_t i = 0; i < groups.count; ++i) {
      const RowKernels<T>& kernels = by_rows[groups.rows(i)];
      (several ? kernels.several_panels : kernels.for_columns(columns))(o);
      for (int t = 0; t < n_terms; ++t) o.terms[t].a += groups.rows(i) * terms[t].lda;
      o.c += groups.rows(i) * ldc;
    }
    j += columns;
  }
}

/// Packs b [k, columns] as a narrow panel padded with zeros.
template <class T>
TEMPO_KERNEL void pack_narrow(int64_t k, int64_t columns, const T* b, int64_t ldb, T* packed) {
  const int64_t width = columns <= Simd<T>::lanes ? Simd<T>::lanes : 2 * Simd<T>::lanes;
  for (int64_t p = 0; p < k; ++p)
    for (int64_t j = 0; j < width; ++j) packed[p * width + j] = j < columns ? b[p * ldb + j] : T(0);
}

/// Packs a^T [m, k] as groups of rows of c read it: the rows of a group side by side for each k.
template <class T>
TEMPO_KERNEL void pack_columns(const RowGroups<T>& groups, int64_t k, const T* a, int64_t lda,
                               T* packed) {
  constexpr int64_t lanes = Simd<T>::lanes;
  for (int64_t p = 0; p < k; ++p) {
    const T* from = a + p * lda;
    T* group = packed;
    for (int64_t i = 0; i < groups.count; ++i) {
      const int64_t rows = groups.rows(i);
      T* to = group + p * rows;
      int64_t r = 0;
      for (; r + lanes <= rows; r += lanes) Simd<T>::store(to + r, Simd<T>::load(from + r));
      if (r < rows) Simd<T>::store_part(to + r, Simd<T>::load_part(from + r, rows - r), rows - r);
      from += rows;
      group += rows * k;
    }
  }
}

/// Rows [0, m) of c for one chunk of k, panel by panel; the first group of rows packs each panel. a
/// is a^T unpacked or, with a_stride 0, as pack_columns left it.
template <class T>
TEMPO_KERNEL void multiply_chunk(const RowGroups<T>& groups, int64_t n, const Operands<T>& chunk,
                                 int64_t ldb) {
  constexpr int64_t width = panel_vectors * Simd<T>::lanes;
  const RowKernels<T>* by_rows = kernels_by_rows<T, true>.of;
  const bool packed_a = chunk.terms[0].a_stride == 0;
  for (int64_t j = 0; j < n; j += width) {
    Operands<T> o = chunk;
    Term<T>& t = o.terms[0];
    const T* panel = t.b + j;
    o.columns = n - j < width ? n - j : width;
    o.c += j;
    if (o.columns < width) pack_narrow(t.k, o.columns, panel, ldb, o.packed);
    for (int64_t i = 0; i < groups.count; ++i) {
      const int64_t rows = groups.rows(i);
      const bool packs = i == 0 && o.columns == width;
      t.b = packs ? panel : o.packed;
      t.b_stride = packs ? ldb : 0;
      if (packed_a) t.a_stride = rows;
      (packs ? by_rows[rows].panel_packing : by_rows[rows].for_columns(o.columns))(o);
      t.a += packed_a ? rows * t.k : rows;
      o.c += rows * o.ldc;
    }
  }
}

/// Cuts k into chunks, so that a panel of b stays in the first-level cache; columns, so that their
/// part of c stays in the second from chunk to chunk; and rows, so that those of a do. Many rows
/// are packed first: their columns in a are too far apart to be read repeatedly.
template <class T>
TEMPO_KERNEL void multiply_transposed(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
                                      const T* b, int64_t ldb, T* c, int64_t ldc, bool accumulate,
                                      T* scratch) {
  constexpr int64_t width = panel_vectors * Simd<T>::lanes;
  constexpr int64_t bytes = static_cast<int64_t>(sizeof(T));
  constexpr int64_t k_chunk = transposed_panel_bytes / (width * bytes);
  const bool packs = m > most_rows_unpacked;
  constexpr int64_t row_chunk = transposed_rows_bytes / (k_chunk * bytes);
  if (k == 0) return multiply_packed<T>(m, n, nullptr, 0, c, ldc, accumulate, nullptr);
  T* const rows_of_a = scratch + transposed_panel_bytes / bytes;
  for (int64_t i = 0; i < m; i += row_chunk) {
    const RowGroups<T> groups(m - i < row_chunk ? m - i : row_chunk);
    for (int64_t p = 0; p < k; p += k_chunk) {
      const int64_t steps = k - p < k_chunk ? k - p : k_chunk;
      const T* columns_of_a = a + p * lda + i;
      if (packs) pack_columns(groups, steps, columns_of_a, lda, rows_of_a);
      multiply_chunk<T>(
          groups, n,
          {{{steps, packs ? rows_of_a : columns_of_a, packs ? 0 : lda, b + p * ldb, 0}},
           1,
           scratch,
           c + i * ldc,
           ldc,
           0,
           accumulate || p > 0},
          ldb);
    }
  }
}

template <class T>
constexpr PackedKernels<T> packed_kernels = {Simd<T>::lanes, panel_vectors* Simd<T>::lanes,
                                             multiply_packed<T>, multiply_transposed<T>};

}  // namespace
}  // namespace tempo
