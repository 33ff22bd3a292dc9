// SPDX-License-Identifier: Apache-2.0
// The packed product for AVX2 with FMA.
#include "tensor/cpu.hpp"
#include "tensor/products/packed_kernels.hpp"

#if TEMPO_X86
#include <immintrin.h>

#define TEMPO_KERNEL TEMPO_TARGET_AVX2
#define TEMPO_KERNEL_INLINE [[gnu::always_inline]] TEMPO_TARGET_AVX2 static inline

namespace tempo {
namespace {

template <class T>
struct Simd;

alignas(32) constexpr int32_t first_lanes[] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                               0,  0,  0,  0,  0,  0,  0,  0};

template <>
struct Simd<float> {
  using Vector = __m256;
  static constexpr int64_t lanes = 8;
  static constexpr int most_rows = 6;
  TEMPO_KERNEL_INLINE Vector zero() { return _mm256_setzero_ps(); }
  TEMPO_KERNEL_INLINE Vector load(const float* p) { return _mm256_loadu_ps(p); }
  TEMPO_KERNEL_INLINE void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  TEMPO_KERNEL_INLINE Vector repeat(float x) { return _mm256_set1_ps(x); }
  TEMPO_KERNEL_INLINE Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  TEMPO_KERNEL_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  TEMPO_KERNEL_INLINE __m256i mask(int64_t n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(first_lanes + 8 - n));
  }
  TEMPO_KERNEL_INLINE Vector load_part(const float* p, int64_t n) {
    return _mm256_maskload_ps(p, mask(n));
  }
  TEMPO_KERNEL_INLINE void store_part(float* p, Vector v, int64_t n) {
    _mm256_maskstore_ps(p, mask(n), v);
  }
};

template <>
struct Simd<double> {
  using Vector = __m256d;
  static constexpr int64_t lanes = 4;
  static constexpr int most_rows = 6;
  TEMPO_KERNEL_INLINE Vector zero() { return _mm256_setzero_pd(); }
  TEMPO_KERNEL_INLINE Vector load(const double* p) { return _mm256_loadu_pd(p); }
  TEMPO_KERNEL_INLINE void store(double* p, Vector v) { _mm256_storeu_pd(p, v); }
  TEMPO_KERNEL_INLINE Vector repeat(double x) { return _mm256_set1_pd(x); }
  TEMPO_KERNEL_INLINE Vector add(Vector a, Vector b) { return _mm256_add_pd(a, b); }
  TEMPO_KERNEL_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_pd(a, b, c); }
  TEMPO_KERNEL_INLINE __m256i mask(int64_t n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(first_lanes + 8 - 2 * n));
  }
  TEMPO_KERNEL_INLINE Vector load_part(const double* p, int64_t n) {
    return _mm256_maskload_pd(p, mask(n));
  }
  TEMPO_KERNEL_INLINE void store_part(double* p, Vector v, int64_t n) {
    _mm256_maskstore_pd(p, mask(n), v);
  }
};

}  // namespace
}  // namespace tempo

#include "tensor/products/packed_kernels_body.hpp"

namespace tempo {
const PackedKernelSet packed_avx2 = {packed_kernels<float>, packed_kernels<double>};
}  // namespace tempo
#endif
