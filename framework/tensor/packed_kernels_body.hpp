// The packed product in terms of SIMD vectors, for the one .cpp file per instruction set that
// includes this. It defines first
//   TEMPO_KERNEL           the target attribute of all functions here
//   Simd<T>                Vector, lanes, most_rows; zero, load, store, load_part, store_part, repeat, fma
// Nothing here may call an inline function of another header: it would be compiled for this
// instruction set, and the linker might give it to everyone.
#pragma once

#include "tensor/packed_kernels.hpp"

#if defined(__clang__)
#define TEMPO_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TEMPO_UNROLL _Pragma("GCC unroll 16")
#endif

namespace tempo {
namespace {

template <class T>
struct Operands {
  int64_t k;
  const T* a;
  int64_t lda;
  const T* b;
  int64_t panel;  // elements from panel to panel
  T* c;
  int64_t ldc;
  int64_t columns;  // of c
  bool accumulate;
};

/// rows x (panels * vectors) vectors of c, each element summed over k in order. `part`: the last
/// vector is stored up to `columns` only.
template <class T, int rows, int vectors, int panels, bool part>
TEMPO_KERNEL void multiply_block(const Operands<T>& o) {
  using S = Simd<T>;
  using Vector = typename S::Vector;
  constexpr int all = vectors * panels;
  constexpr int64_t lanes = S::lanes;
  constexpr int64_t line_elements = 64 / sizeof(T), ahead = 2048 / sizeof(T);
  constexpr int lines = static_cast<int>((vectors * lanes + line_elements - 1) / line_elements);
  const int64_t lda = o.lda, ldc = o.ldc, panel = o.panel, last = o.columns - (all - 1) * lanes;
  Vector sum[rows][all];
  TEMPO_UNROLL
  for (int r = 0; r < rows; ++r) {
    TEMPO_UNROLL
    for (int v = 0; v < all; ++v) {
      const T* from = o.c + r * ldc + v * lanes;
      if (!o.accumulate) sum[r][v] = S::zero();
      else if (part && v == all - 1) sum[r][v] = S::load_part(from, last);
      else sum[r][v] = S::load(from);
    }
  }
  const T* a = o.a;
  const T* b = o.b;
  for (int64_t k = 0; k < o.k; ++k) {
    Vector factor[all];
    TEMPO_UNROLL
    for (int v = 0; v < all; ++v) factor[v] = S::load(b + v / vectors * panel + v % vectors * lanes);
    if constexpr (rows > 1) {  // a single row waits for the cache with or without it
      TEMPO_UNROLL
      for (int line = 0; line < panels * lines; ++line)
        __builtin_prefetch(b + line / lines * panel + line % lines * line_elements + ahead);
    }
    TEMPO_UNROLL
    for (int r = 0; r < rows; ++r) {
      const Vector x = S::repeat(a[r * lda]);
      TEMPO_UNROLL
      for (int v = 0; v < all; ++v) sum[r][v] = S::fma(x, factor[v], sum[r][v]);
    }
    ++a;
    b += vectors * lanes;
  }
  TEMPO_UNROLL
  for (int r = 0; r < rows; ++r) {
    TEMPO_UNROLL
    for (int v = 0; v < all; ++v) {
      T* to = o.c + r * ldc + v * lanes;
      if (part && v == all - 1) S::store_part(to, sum[r][v], last);
      else S::store(to, sum[r][v]);
    }
  }
}

/// Two vectors a panel; where rows are few, several panels at once keep enough sums in flight.
constexpr int panel_vectors = 2;
constexpr int panels_at_once(int rows, int most_rows) {
  return rows == 1 ? 4 : rows == 2 ? (most_rows > 8 ? 4 : 2) : rows == 3 && most_rows > 8 ? 2 : 1;
}

/// The blocks of `rows` rows: whole panels, several of them, and what is left at the right.
template <class T>
struct Blocks {
  using Block = void (*)(const Operands<T>&);
  Block one = nullptr, several = nullptr, one_vector = nullptr, two_vectors = nullptr;
  int64_t at_once = 1;
};

template <class T, int rows>
constexpr Blocks<T> blocks_of() {
  constexpr int at_once = panels_at_once(rows, Simd<T>::most_rows);
  return {multiply_block<T, rows, panel_vectors, 1, false>,
          multiply_block<T, rows, panel_vectors, at_once, false>,
          multiply_block<T, rows, 1, 1, true>, multiply_block<T, rows, 2, 1, true>, at_once};
}

template <class T>
struct BlocksByRows {
  Blocks<T> of[Simd<T>::most_rows + 1];
};

template <class T, int rows>
constexpr void fill(BlocksByRows<T>& table) {
  table.of[rows] = blocks_of<T, rows>();
  if constexpr (rows < Simd<T>::most_rows) fill<T, rows + 1>(table);
}
template <class T>
constexpr BlocksByRows<T> all_blocks() {
  BlocksByRows<T> table{};
  fill<T, 1>(table);
  return table;
}
template <class T>
constexpr BlocksByRows<T> blocks_by_rows = all_blocks<T>();

template <class T>
TEMPO_KERNEL void multiply_packed(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
                                  const T* b, T* c, int64_t ldc, bool accumulate) {
  constexpr int64_t width = panel_vectors * Simd<T>::lanes, most = Simd<T>::most_rows;
  if (m <= 0) return;
  const int64_t parts = (m - 1) / most + 1, block = m / parts, longer = m % parts;
  const int64_t at_once = blocks_by_rows<T>.of[block].at_once;
  for (int64_t j = 0; j < n;) {
    const int64_t left = n - j;
    const int64_t columns = left < width ? left : left < at_once * width ? width : at_once * width;
    Operands<T> o{k, a, lda, b + j * k, k * width, c + j, ldc, columns, accumulate};
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t rows = part < longer ? block + 1 : block;
      const Blocks<T>& blocks = blocks_by_rows<T>.of[rows];
      if (columns == width) {
        blocks.one(o);
      } else if (columns > width) {
        if (blocks.at_once == at_once) {
          blocks.several(o);
        } else {
          for (int64_t i = 0; i < at_once; ++i) {
            Operands<T> single = o;
            single.b += i * o.panel;
            single.c += i * width;
            blocks.one(single);
          }
        }
      } else if (columns <= Simd<T>::lanes) {
        blocks.one_vector(o);
      } else {
        blocks.two_vectors(o);
      }
      o.a += rows * lda;
      o.c += rows * ldc;
    }
    j += columns;
  }
}

template <class T>
constexpr PackedKernels<T> packed_kernels = {Simd<T>::lanes, panel_vectors* Simd<T>::lanes,
                                             multiply_packed<T>};

}  // namespace
}  // namespace tempo
