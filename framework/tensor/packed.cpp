// Packing, and the choice of the kernels.
#include "tensor/packed.hpp"

#include "tensor/array.hpp"
#include "tensor/cpu.hpp"
#include "tensor/packed_kernels.hpp"
#include "tensor/parallel.hpp"

#include <algorithm>

namespace tempo {
namespace {

const PackedKernelSet& kernels_in_use() {
#if TEMPO_X86
  switch (instruction_set()) {
    case InstructionSet::avx512: return packed_avx512;
    case InstructionSet::avx2: return packed_avx2;
    case InstructionSet::baseline: break;
  }
#endif
  return packed_baseline;
}

template <class T>
const PackedKernels<T>& kernels_of(const PackedKernelSet& set) {
  if constexpr (std::is_same_v<T, float>)
    return set.of_float;
  else
    return set.of_double;
}

static_assert(most_terms == most_products);

int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/// A panel of `columns` columns, of which b has `present`.
template <class T>
void pack_panel(bool transpose, int64_t k, int64_t columns, int64_t present, const T* b,
                int64_t ldb, T* panel) {
  constexpr int64_t tile = 16;  // rows of the panel written while columns of b are in cache
  for (int64_t i0 = 0; i0 < k; i0 += tile) {
    const int64_t i1 = std::min(k, i0 + tile);
    if (transpose) {
      for (int64_t j = 0; j < present; ++j)
        for (int64_t i = i0; i < i1; ++i) panel[i * columns + j] = b[j * ldb + i];
    } else {
      for (int64_t i = i0; i < i1; ++i) std::copy_n(b + i * ldb, present, panel + i * columns);
    }
    for (int64_t i = i0; i < i1; ++i)
      std::fill(panel + i * columns + present, panel + (i + 1) * columns, T(0));
  }
}

template <class T>
void pack_panels(const PackedKernels<T>& kernels, bool transpose, int64_t k, int64_t n, const T* b,
                 int64_t ldb, T* panels) {
  const int64_t width = kernels.width, panel_elements = std::max<int64_t>(1, k * width);
  parallel_for((n + width - 1) / width, std::max<int64_t>(1, elements_per_task / panel_elements),
               [&](int64_t begin, int64_t end) {
                 for (int64_t j = begin * width; j < std::min(n, end * width); j += width) {
                   const int64_t present = std::min(width, n - j);
                   pack_panel(transpose, k, round_up(present, kernels.lanes), present,
                              b + (transpose ? j * ldb : j), ldb, panels + j * k);
                 }
               });
}

}  // namespace

std::size_t packed_bytes(DType dtype, int64_t k, int64_t n) {
  constexpr int64_t most_lanes = 16;
  return static_cast<std::size_t>(k * round_up(n, most_lanes)) * size_of(dtype);
}

PackedMatrix pack(DType dtype, bool transpose, int64_t k, int64_t n, const void* b, int64_t ldb,
                  void* memory) {
  const PackedKernelSet& set = kernels_in_use();
  dispatch_floating(dtype, "pack", [&]<class T>(T) {
    pack_panels(kernels_of<T>(set), transpose, k, n, static_cast<const T*>(b), ldb,
                static_cast<T*>(memory));
  });
  return {dtype, k, n, memory, &set};
}

void multiply(int64_t m, std::span<const PackedProduct> products, void* c, int64_t ldc,
              bool accumulate, const void* bias) {
  const PackedMatrix& first = *products[0].b;
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
