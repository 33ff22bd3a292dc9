// SPDX-License-Identifier: Apache-2.0
// The packed product on vectors of 16 bytes, without fused multiply-add.
#include <cstdint>

#define TEMPO_KERNEL
#define TEMPO_KERNEL_INLINE [[gnu::always_inline]] static inline

namespace tempo {
namespace {

template <class T>
struct Simd {
  using Vector [[gnu::vector_size(16)]] = T;
  using Unaligned [[gnu::vector_size(16), gnu::aligned(alignof(T)), gnu::may_alias]] = T;
  static constexpr int64_t lanes = 16 / sizeof(T);
  static constexpr int most_rows = 5;
  TEMPO_KERNEL_INLINE Vector zero() { return Vector{}; }
  TEMPO_KERNEL_INLINE Vector load(const T* p) { return *reinterpret_cast<const Unaligned*>(p); }
  TEMPO_KERNEL_INLINE void store(T* p, Vector v) { *reinterpret_cast<Unaligned*>(p) = v; }
  TEMPO_KERNEL_INLINE Vector repeat(T x) { return x - Vector{}; }
  TEMPO_KERNEL_INLINE Vector add(Vector a, Vector b) { return a + b; }
  TEMPO_KERNEL_INLINE Vector fma(Vector a, Vector b, Vector c) { return a * b + c; }
  TEMPO_KERNEL_INLINE Vector load_part(const T* p, int64_t n) {
    Vector v{};
    for (int64_t i = 0; i < n; ++i) v[i] = p[i];
    return v;
  }
  TEMPO_KERNEL_INLINE void store_part(T* p, Vector v, int64_t n) {
    for (int64_t i = 0; i < n; ++i) p[i] = v[i];
  }
};

}  // namespace
}  // namespace tempo

#include "tensor/products/packed_kernels_body.hpp"

namespace tempo {
const PackedKernelSet packed_baseline = {packed_kernels<float>, packed_kernels<double>};
}  // namespace tempo
