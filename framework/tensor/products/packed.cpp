// SPDX-License-Identifier: Apache-2.0
// Packs matrices, and selects the kernels.
#include "tensor/products/packed.hpp"

#include <algorithm>
#include <cstring>

#include "tensor/array.hpp"
#include "tensor/cpu.hpp"
#include "tensor/parallel.hpp"
#include "tensor/products/int8.hpp"
#include "tensor/products/packed_kernels.hpp"
#include "tensor/round_up.hpp"

namespace tempo {
namespace {

const PackedKernelSet& kernels_in_use() {
#if TEMPO_X86
  return *of_instruction_set(&packed_baseline, &packed_avx2, &packed_avx512);
#else
  return packed_baseline;
#endif
}

template <class T>
const PackedKernels<T>& kernels_of(const PackedKernelSet& set) {
  if constexpr (std::is_same_v<T, float>)
    return set.of_float;
  else
    return set.of_double;
}

static_assert(most_terms == most_products);

/// Transposes 4 x 4 numbers, or 2 x 2 numbers in float64.
void transpose_square(const float* from, int64_t ld_from, float* to, int64_t ld_to) {
  typedef float Four __attribute__((vector_size(16)));
  Four row[4];
  for (int64_t i = 0; i < 4; ++i) std::memcpy(&row[i], from + i * ld_from, sizeof(Four));
  const Four a = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5),
             b = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7),
             c = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5),
             d = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
  row[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  row[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  row[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  row[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
  for (int64_t i = 0; i < 4; ++i) std::memcpy(to + i * ld_to, &row[i], sizeof(Four));
}
void transpose_square(const double* from, int64_t ld_from, double* to, int64_t ld_to) {
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 2; ++j) to[j * ld_to + i] = from[i * ld_from + j];
}

/// Copies a part's elements in columns [j, j + present) to a panel with rows of `columns` elements.
template <class T>
void pack_part(const MatrixPart& p, int64_t j, int64_t present, int64_t columns, T* panel) {
  constexpr int64_t tile = 16;  // rows of the panel written while columns of b are in cache
  constexpr int64_t run = 16;   // elements copied without a call
  constexpr int64_t square = 16 / sizeof(T);
  const int64_t first = std::max(j, p.n0), n = std::min(j + present, p.n0 + p.n) - first;
  if (n <= 0 || p.k == 0) return;
  const T* b = static_cast<const T*>(p.from) + (first - p.n0) * (p.transpose ? p.ld : 1);
  T* to = panel + p.k0 * columns + (first - j);
  for (int64_t i0 = 0; i0 < p.k; i0 += tile) {
    const int64_t i1 = std::min(p.k, i0 + tile);
    if (p.transpose) {
      int64_t c = 0;
      for (; c + square <= n; c += square) {
        int64_t i = i0;
        for (; i + square <= i1; i += square)
          transpose_square(b + c * p.ld + i, p.ld, to + i * columns + c, columns);
        for (; i < i1; ++i)
          for (int64_t s = 0; s < square; ++s) to[i * columns + c + s] = b[(c + s) * p.ld + i];
      }
      for (; c < n; ++c)
        for (int64_t i = i0; i < i1; ++i) to[i * columns + c] = b[c * p.ld + i];
    } else {
      for (int64_t i = i0; i < i1; ++i) {
        int64_t c = 0;
        for (; c + run <= n; c += run)
          std::memcpy(to + i * columns + c, b + i * p.ld + c, run * sizeof(T));
        for (; c < n; ++c) to[i * columns + c] = b[i * p.ld + c];
      }
    }
  }
}

template <class T>
void pack_panels(const PackedKernels<T>& kernels, int64_t k, int64_t n,
                 std::span<const MatrixPart> parts, T* panels) {
  const int64_t width = kernels.width, panel_elements = std::max<int64_t>(1, k * width);
  parallel_for((n + width - 1) / width, std::max<int64_t>(1, elements_per_task / panel_elements),
               [&](int64_t begin, int64_t end) {
                 for (int64_t j = begin * width; j < std::min(n, end * width); j += width) {
                   const int64_t present = std::min(width, n - j);
                   const int64_t columns = round_up(present, kernels.lanes);
                   T* panel = panels + j * k;
                   if (present < columns) std::fill_n(panel, k * columns, T(0));
                   for (const MatrixPart& p : parts) pack_part(p, j, present, columns, panel);
                 }
               });
}

}  // namespace

std::size_t packed_bytes(DType dtype, int64_t k, int64_t n) {
  constexpr int64_t most_lanes = 16;
  return static_cast<std::size_t>(k * round_up(n, most_lanes)) * size_of(dtype);
}

PackedMatrix pack(DType dtype, int64_t k, int64_t n, std::span<const MatrixPart> parts,
                  void* memory) {
  const PackedKernelSet& set = kernels_in_use();
  dispatch_floating(dtype, "pack", [&]<class T>(T) {
    pack_panels(kernels_of<T>(set), k, n, parts, static_cast<T*>(memory));
  });
  return {dtype, k, n, memory, &set, nullptr};
}

int64_t panel_columns(const PackedMatrix& b) {
  return dispatch_floating(b.dtype, "panel_columns",
                           [&]<class T>(T) { return kernels_of<T>(*b.kernels).width; });
}

PackedMatrix columns_of(const PackedMatrix& b, int64_t first, int64_t n) {
  PackedMatrix part = b;
  part.n = n;
  part.panels =
      static_cast<const char*>(b.panels) + static_cast<std::size_t>(first * b.k) * size_of(b.dtype);
  return part;
}

void multiply(int64_t m, std::span<const PackedProduct> products, void* c, int64_t ldc,
              bool accumulate, const void* bias) {
  const PackedMatrix& first = *products[0].b;
  if (first.int8)
    return multiply_int8(m, products, static_cast<float*>(c), ldc, accumulate,
                         static_cast<const float*>(bias));
  dispatch_floating(first.dtype, "multiply", [&]<class T>(T) {
    PackedTerm<T> terms[most_products];
    for (std::size_t i = 0; i < products.size(); ++i) {
      const auto& [a, lda, b] = products[i];
      terms[i] = {b->k, static_cast<const T*>(a), lda, static_cast<const T*>(b->panels)};
    }
    kernels_of<T>(*first.kernels)
        .multiply(m, first.n, terms, static_cast<int>(products.size()), static_cast<T*>(c), ldc,
                  accumulate, static_cast<const T*>(bias));
  });
}

void multiply_transposed(DType dtype, int64_t m, int64_t n, int64_t k, const void* a, int64_t lda,
                         const void* b, int64_t ldb, void* c, int64_t ldc, bool accumulate) {
  const Scratch scratch(transposed_panel_bytes +
                        (m > most_rows_unpacked ? transposed_rows_bytes : 0));
  dispatch_floating(dtype, "multiply_transposed", [&]<class T>(T) {
    kernels_of<T>(kernels_in_use())
        .multiply_transposed(m, n, k, static_cast<const T*>(a), lda, static_cast<const T*>(b), ldb,
                             static_cast<T*>(c), ldc, accumulate, scratch.as<T>());
  });
}

}  // namespace tempo
