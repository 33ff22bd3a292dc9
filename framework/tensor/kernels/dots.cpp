// SPDX-License-Identifier: Apache-2.0
// Selects the tiles for the instruction set in use. The order of a sum depends on extents alone.
#include "tensor/kernels/dots.hpp"

#include <cstddef>

#include "tensor/cpu.hpp"

namespace tempo {

namespace {

namespace on_baseline {
#define TEMPO_KERNEL
#define TEMPO_KERNEL_INLINE [[gnu::always_inline]] static inline
#include "tensor/kernels/dots_body.hpp"
}  // namespace on_baseline

namespace on_avx2 {
#define TEMPO_KERNEL TEMPO_TARGET_AVX2
#define TEMPO_KERNEL_INLINE [[gnu::always_inline]] TEMPO_TARGET_AVX2 static inline
#include "tensor/kernels/dots_body.hpp"
}  // namespace on_avx2

namespace on_avx512 {
#define TEMPO_KERNEL TEMPO_TARGET_AVX512
#define TEMPO_KERNEL_INLINE [[gnu::always_inline]] TEMPO_TARGET_AVX512 static inline
#include "tensor/kernels/dots_body.hpp"
}  // namespace on_avx512

}  // namespace

#define TEMPO_DOT(name)                                                                 \
  Tile name(DType dtype) {                                                              \
    if (dtype == float32)                                                               \
      return of_instruction_set<Tile>(on_baseline::name<float>, on_avx2::name<float>,   \
                                      on_avx512::name<float>);                          \
    if (dtype == float64)                                                               \
      return of_instruction_set<Tile>(on_baseline::name<double>, on_avx2::name<double>, \
                                      on_avx512::name<double>);                         \
    return nullptr;                                                                     \
  }
TEMPO_DOT(row_dot)
TEMPO_DOT(column_dot)
TEMPO_DOT(column_sum)
TEMPO_DOT(product_sum)
#undef TEMPO_DOT

}  // namespace tempo
