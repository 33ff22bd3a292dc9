// SPDX-License-Identifier: Apache-2.0
// The packed product for AVX-512.
#include "tensor/cpu.hpp"
#include "tensor/products/packed_kernels.hpp"

#if TEMPO_X86
#include <immintrin.h>

#define TEMPO_KERNEL TEMPO_TARGET_AVX512
#define TEMPO_KERNEL_INLINE [[gnu::always_inline]] TEMPO_TARGET_AVX512 static inline

namespace tempo {
namespace {

template <class T>
struct Simd;

template <>
struct Simd<float> {
  using Vector = __m512;
  static constexpr int64_t lanes = 16;
  static constexpr int most_rows = 14;
  TEMPO_KERNEL_INLINE Vector zero() { return _mm512_setzero_ps(); }
  TEMPO_KERNEL_INLINE Vector load(const float* p) { return _mm512_loadu_ps(p); }
  TEMPO_KERNEL_INLINE void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  TEMPO_KERNEL_INLINE Vector repeat(float x) { return _mm512_set1_ps(x); }
  TEMPO_KERNEL_INLINE Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  TEMPO_KERNEL_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  TEMPO_KERNEL_INLINE __mmask16 mask(int64_t n) { return static_cast<__mmask16>((1u << n) - 1); }
  TEMPO_KERNEL_INLINE Vector load_part(const float* p, int64_t n) {
    return _mm512_maskz_loadu_ps(mask(n), p);
  }
  TEMPO_KERNEL_INLINE void store_part(float* p, Vector v, int64_t n) {
    _mm512_mask_storeu_ps(p, mask(n), v);
  }
};

template <>
struct Simd<double> {
  using Vector = __m512d;
  static constexpr int64_t lanes = 8;
  static constexpr int most_rows = 14;
  TEMPO_KERNEL_INLINE Vector zero() { return _mm512_setzero_pd(); }
  TEMPO_KERNEL_INLINE Vector load(const double* p) { return _mm512_loadu_pd(p); }
  TEMPO_KERNEL_INLINE void store(double* p, Vector v) { _mm512_storeu_pd(p, v); }
  TEMPO_KERNEL_INLINE Vector repeat(double x) { return _mm512_set1_pd(x); }
  TEMPO_KERNEL_INLINE Vector add(Vector a, Vector b) { return _mm512_add_pd(a, b); }
  TEMPO_KERNEL_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_pd(a, b, c); }
  TEMPO_KERNEL_INLINE __mmask8 mask(int64_t n) { return static_cast<__mmask8>((1u << n) - 1); }
  TEMPO_KERNEL_INLINE Vector load_part(const double* p, int64_t n) {
    return _mm512_maskz_loadu_pd(mask(n), p);
  }
  TEMPO_KERNEL_INLINE void store_part(double* p, Vector v, int64_t n) {
    _mm512_mask_storeu_pd(p, mask(n), v);
  }
};

}  // namespace
}  // namespace tempo

#include "tensor/products/packed_kernels_body.hpp"

namespace tempo {
const PackedKernelSet packed_avx512 = {packed_kernels<float>, packed_kernels<double>};
}  // namespace tempo
#endif
