// SPDX-License-Identifier: Apache-2.0
// The int8 product for AVX2. It multiplies in int16, as products in int8 would saturate.
#include "tensor/cpu.hpp"
#include "tensor/products/int8_kernels.hpp"

#if TEMPO_X86
#include <immintrin.h>

#define TEMPO_KERNEL TEMPO_TARGET_AVX2
#define TEMPO_KERNEL_INLINE [[gnu::always_inline]] TEMPO_TARGET_AVX2 static inline

namespace tempo {
namespace {

alignas(32) constexpr int32_t first_lanes[] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                               0,  0,  0,  0,  0,  0,  0,  0};

struct Simd {
  using Ints = __m256i;
  using Floats = __m256;
  using Factor = __m256i;
  static constexpr int64_t lanes = 8, group = 2;
  static constexpr int most_rows = 6;
  static constexpr int32_t offset = 0;
  static constexpr int vectors_for(int rows) { return rows == 1 ? 8 : 2; }

  TEMPO_KERNEL_INLINE __m256i mask(int64_t n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(first_lanes + 8 - n));
  }
  TEMPO_KERNEL_INLINE Ints load_ints(const int32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  TEMPO_KERNEL_INLINE Ints load_group(const int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  TEMPO_KERNEL_INLINE Factor repeat(const int8_t* p) {
    int32_t two;
    __builtin_memcpy(&two, p, sizeof two);
    return _mm256_set1_epi32(two);
  }
  TEMPO_KERNEL_INLINE Ints dot(Ints sum, Factor x, Ints b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, b));
  }
  TEMPO_KERNEL_INLINE Floats load(const float* p) { return _mm256_loadu_ps(p); }
  TEMPO_KERNEL_INLINE void store(float* p, Floats v) { _mm256_storeu_ps(p, v); }
  TEMPO_KERNEL_INLINE Floats load_part(const float* p, int64_t n) {
    return _mm256_maskload_ps(p, mask(n));
  }
  TEMPO_KERNEL_INLINE void store_part(float* p, Floats v, int64_t n) {
    _mm256_maskstore_ps(p, mask(n), v);
  }
  TEMPO_KERNEL_INLINE Floats repeat_float(float x) { return _mm256_set1_ps(x); }
  TEMPO_KERNEL_INLINE Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  TEMPO_KERNEL_INLINE Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  TEMPO_KERNEL_INLINE Floats scaled(Ints a, Floats b) {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(a), b);
  }

  TEMPO_KERNEL static int32_t largest(int64_t k, const float* a) {
    const __m256i no_sign = _mm256_set1_epi32(0x7fffffff);
    __m256i most = _mm256_setzero_si256();
    int64_t i = 0;
    for (; i + lanes <= k; i += lanes)
      most = _mm256_max_epi32(most, _mm256_and_si256(no_sign, _mm256_castps_si256(load(a + i))));
    if (i < k)
      most = _mm256_max_epi32(
          most, _mm256_and_si256(no_sign, _mm256_castps_si256(load_part(a + i, k - i))));
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    return _mm_cvtsi128_si32(four);
  }
  TEMPO_KERNEL static void quantise(int64_t k, const float* a, float factor, int8_t* q) {
    const __m256 by = repeat_float(factor);
    for (int64_t i = 0; i < k; i += lanes) {
      const __m256 x = k - i < lanes ? load_part(a + i, k - i) : load(a + i);
      const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(x, by));
      const __m128i words =
          _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(q + 2 * i), words);
    }
  }
};

}  // namespace
}  // namespace tempo

#include "tensor/products/int8_kernels_body.hpp"

namespace tempo {
const Int8Kernels int8_avx2 = int8_kernels;
}  // namespace tempo
#endif
