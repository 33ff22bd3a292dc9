// SPDX-License-Identifier: Apache-2.0
// The int8 product for AVX-512 with VNNI. Its left side is unsigned: 128 is added to it.
#include "tensor/cpu.hpp"
#include "tensor/products/int8_kernels.hpp"

#if TEMPO_X86
#include <immintrin.h>

#define TEMPO_KERNEL __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512vnni,fma")))
#define TEMPO_KERNEL_INLINE [[gnu::always_inline]] TEMPO_KERNEL static inline

namespace tempo {
namespace {

struct Simd {
  using Ints = __m512i;
  using Floats = __m512;
  using Factor = __m512i;
  static constexpr int64_t lanes = 16, group = 4;
  static constexpr int most_rows = 6;
  static constexpr int32_t offset = 128;
  static constexpr int vectors_for(int rows) { return rows == 1 ? 8 : 4; }

  // The unmasked conversions start from an undefined vector, of which GCC 12 warns.
  static constexpr __mmask16 all = 0xffff;
  TEMPO_KERNEL_INLINE __mmask16 mask(int64_t n) { return static_cast<__mmask16>((1u << n) - 1); }
  TEMPO_KERNEL_INLINE Ints load_ints(const int32_t* p) { return _mm512_loadu_si512(p); }
  TEMPO_KERNEL_INLINE Ints load_group(const int8_t* p) { return _mm512_loadu_si512(p); }
  TEMPO_KERNEL_INLINE Factor repeat(const int8_t* p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return _mm512_set1_epi32(four);
  }
  TEMPO_KERNEL_INLINE Ints dot(Ints sum, Factor x, Ints b) {
    return _mm512_dpbusd_epi32(sum, x, b);
  }
  TEMPO_KERNEL_INLINE Floats load(const float* p) { return _mm512_loadu_ps(p); }
  TEMPO_KERNEL_INLINE void store(float* p, Floats v) { _mm512_storeu_ps(p, v); }
  TEMPO_KERNEL_INLINE Floats load_part(const float* p, int64_t n) {
    return _mm512_maskz_loadu_ps(mask(n), p);
  }
  TEMPO_KERNEL_INLINE void store_part(float* p, Floats v, int64_t n) {
    _mm512_mask_storeu_ps(p, mask(n), v);
  }
  TEMPO_KERNEL_INLINE Floats repeat_float(float x) { return _mm512_set1_ps(x); }
  TEMPO_KERNEL_INLINE Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  TEMPO_KERNEL_INLINE Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  TEMPO_KERNEL_INLINE Floats scaled(Ints a, Floats b) {
    return _mm512_mul_ps(_mm512_maskz_cvtepi32_ps(all, a), b);
  }

  TEMPO_KERNEL static int32_t largest(int64_t k, const float* a) {
    const __m512i no_sign = _mm512_set1_epi32(0x7fffffff);
    __m512i most = _mm512_setzero_si512();
    for (int64_t i = 0; i < k; i += lanes) {
      const __m512 x = k - i < lanes ? load_part(a + i, k - i) : load(a + i);
      most = _mm512_maskz_max_epi32(all, most, _mm512_and_si512(no_sign, _mm512_castps_si512(x)));
    }
    int32_t all_lanes[lanes];
    _mm512_storeu_si512(all_lanes, most);
    int32_t one = 0;
    for (const int32_t lane : all_lanes) one = one < lane ? lane : one;
    return one;
  }
  TEMPO_KERNEL static void quantise(int64_t k, const float* a, float factor, int8_t* q) {
    const __m512 by = repeat_float(factor);
    for (int64_t i = 0; i < k; i += lanes) {
      const __m512 x = k - i < lanes ? load_part(a + i, k - i) : load(a + i);
      const __m128i bytes =
          _mm512_maskz_cvtepi32_epi8(all, _mm512_maskz_cvtps_epi32(all, _mm512_mul_ps(x, by)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(q + i),
                       _mm_xor_si128(bytes, _mm_set1_epi8(-128)));
    }
  }
};

}  // namespace
}  // namespace tempo

#include "tensor/products/int8_kernels_body.hpp"

namespace tempo {
const Int8Kernels int8_vnni = int8_kernels;
}  // namespace tempo
#endif
