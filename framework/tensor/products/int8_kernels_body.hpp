// SPDX-License-Identifier: Apache-2.0
// The int8 product in terms of SIMD vectors, included by one .cpp file per instruction set, which
// first defines:
//   TEMPO_KERNEL   the target attribute of all functions here
//   Simd           Ints, Floats, Factor, lanes, most_rows, group, offset; vectors_for(rows);
//   load_ints,
//                  repeat, load_group, dot (the products of a group, added to a lane); load,
//                  load_part, store, store_part, repeat_float, scaled (Floats of Ints, times a
//                  factor), add, multiply; largest and quantise, as Int8Kernels has them
// Nothing here may call an inline function of another header: it would be compiled for this
// instruction set, and the linker might use it everywhere.
#pragma once

#include "tensor/products/int8_kernels.hpp"

#if defined(__clang__)
#define TEMPO_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TEMPO_UNROLL _Pragma("GCC unroll 16")
#endif

namespace tempo {
namespace {

struct Int8Block {
  Int8Term term;  // starting at the first row and column
  float* c;
  int64_t ldc;
  int64_t columns;  // of c
  bool accumulate;
  const float* bias;
};

/// rows x vectors panels of c. The order of integer sums does not matter.
template <int rows, int vectors>
TEMPO_KERNEL void multiply_int8_block(const Int8Block& o) {
  using S = Simd;
  constexpr int64_t bytes = S::lanes * S::group;
  const int64_t panel = o.term.groups * bytes;
  S::Ints sum[rows][vectors];
  TEMPO_UNROLL
  for (int r = 0; r < rows; ++r) {
    TEMPO_UNROLL
    for (int v = 0; v < vectors; ++v) sum[r][v] = S::load_ints(o.term.first + v * S::lanes);
  }
  const int8_t* a = o.term.a;
  const int8_t* b = o.term.panels;
  for (int64_t left = o.term.groups; left > 0; --left) {
    decltype(S::load_group(b)) factor[vectors];
    TEMPO_UNROLL
    for (int v = 0; v < vectors; ++v) factor[v] = S::load_group(b + v * panel);
    TEMPO_UNROLL
    for (int r = 0; r < rows; ++r) {
      const S::Factor x = S::repeat(a + r * o.term.lda);
      TEMPO_UNROLL
      for (int v = 0; v < vectors; ++v) sum[r][v] = S::dot(sum[r][v], x, factor[v]);
    }
    a += 4;
    b += bytes;
  }
  const int64_t last = o.columns - (vectors - 1) * S::lanes;
  TEMPO_UNROLL
  for (int r = 0; r < rows; ++r) {
    TEMPO_UNROLL
    for (int v = 0; v < vectors; ++v) {
      float* const to = o.c + r * o.ldc + v * S::lanes;
      const float* const bias = o.bias ? o.bias + v * S::lanes : nullptr;
      const bool part = v == vectors - 1 && last < S::lanes;
      S::Floats y = S::scaled(sum[r][v], S::multiply(S::repeat_float(o.term.a_scales[r]),
                                                     S::load(o.term.scales + v * S::lanes)));
      if (o.accumulate) y = S::add(part ? S::load_part(to, last) : S::load(to), y);
      if (bias) y = S::add(y, part ? S::load_part(bias, last) : S::load(bias));
      if (part)
        S::store_part(to, y, last);
      else
        S::store(to, y);
    }
  }
}

/// The functions for blocks of some number of rows: for several panels and for one.
struct Int8Blocks {
  void (*wide)(const Int8Block&) = nullptr;
  void (*narrow)(const Int8Block&) = nullptr;
  int64_t vectors = 1;  // of the wide one
};
struct Int8BlocksByRows {
  Int8Blocks of[Simd::most_rows + 1];
};

template <int rows>
constexpr void fill_int8(Int8BlocksByRows& table) {
  constexpr int vectors = Simd::vectors_for(rows);
  table.of[rows] = {multiply_int8_block<rows, vectors>, multiply_int8_block<rows, 1>, vectors};
  if constexpr (rows < Simd::most_rows) fill_int8<rows + 1>(table);
}
constexpr Int8BlocksByRows all_int8_blocks() {
  Int8BlocksByRows table{};
  fill_int8<1>(table);
  return table;
}
constexpr Int8BlocksByRows int8_blocks = all_int8_blocks();

TEMPO_KERNEL void multiply_int8(int64_t m, int64_t n, const Int8Term& term, float* c, int64_t ldc,
                                bool accumulate, const float* bias) {
  constexpr int64_t lanes = Simd::lanes;
  if (m <= 0) return;
  // Few groups of nearly equal height. If there are two or more, each has at least two rows, so
  // that wide blocks have the same width.
  static_assert(
      Simd::most_rows == 1 ||
      (Simd::most_rows > 3 && Simd::vectors_for(2) == Simd::vectors_for(Simd::most_rows)));
  const int64_t groups = (m - 1) / Simd::most_rows + 1, shorter = m / groups, longer = m % groups;
  const int64_t vectors = int8_blocks.of[shorter].vectors;
  for (int64_t j = 0; j < n;) {
    const bool wide = n - j > (vectors - 1) * lanes;
    const int64_t width = (wide ? vectors : 1) * lanes, columns = n - j < width ? n - j : width;
    Int8Block o{term, c + j, ldc, columns, accumulate, bias ? bias + j : nullptr};
    o.term.panels += j * term.groups * Simd::group;
    o.term.scales += j;
    o.term.first += j;
    for (int64_t i = 0; i < groups; ++i) {
      const int64_t rows = i < longer ? shorter + 1 : shorter;
      const Int8Blocks& blocks = int8_blocks.of[rows];
      (wide ? blocks.wide : blocks.narrow)(o);
      o.term.a += rows * term.lda;
      o.term.a_scales += rows;
      o.c += rows * ldc;
    }
    j += columns;
  }
}

constexpr Int8Kernels int8_kernels = {Simd::lanes,   Simd::group,    Simd::offset,
                                      Simd::largest, Simd::quantise, multiply_int8};

}  // namespace
}  // namespace tempo
