// SPDX-License-Identifier: Apache-2.0
// The int8 product on vectors of 16 bytes, for every processor.
#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define TEMPO_KERNEL
#define TEMPO_KERNEL_INLINE [[gnu::always_inline]] static inline

namespace tempo {
namespace {

struct Simd {
  typedef int8_t EightBytes __attribute__((vector_size(8)));
  typedef int16_t Words __attribute__((vector_size(16)));
  typedef int32_t FourInts __attribute__((vector_size(16)));
  typedef float FourFloats __attribute__((vector_size(16)));
  struct Ints {
    FourInts of[2];
  };
  struct Floats {
    FourFloats of[2];
  };
  struct Bytes {
    Words of[2];
  };
  using Factor = Words;
  static constexpr int64_t lanes = 8, group = 2;
  static constexpr int most_rows = 4;
  static constexpr int32_t offset = 0;
  static constexpr int vectors_for(int rows) { return rows == 1 ? 4 : 1; }

  TEMPO_KERNEL_INLINE Ints load_ints(const int32_t* p) {
    Ints v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  }
  TEMPO_KERNEL_INLINE Bytes load_group(const int8_t* p) {
    EightBytes half[2];
    __builtin_memcpy(half, p, sizeof half);
    return {{__builtin_convertvector(half[0], Words), __builtin_convertvector(half[1], Words)}};
  }
  TEMPO_KERNEL_INLINE Factor repeat(const int8_t* p) {
    int32_t two;
    __builtin_memcpy(&two, p, sizeof two);
    const FourInts all = two - FourInts{};
    return reinterpret_cast<Words>(all);
  }
  TEMPO_KERNEL_INLINE FourInts of_pairs(Words x, Words b) {
#if defined(__SSE2__)
    return reinterpret_cast<FourInts>(
        _mm_madd_epi16(reinterpret_cast<__m128i>(x), reinterpret_cast<__m128i>(b)));
#else
    const FourInts both = reinterpret_cast<FourInts>(x * b);  // int16 holds 127 * 127
    return (both >> 16) + ((both << 16) >> 16);
#endif
  }
  TEMPO_KERNEL_INLINE Ints dot(Ints sum, Factor x, const Bytes& b) {
    return {{sum.of[0] + of_pairs(x, b.of[0]), sum.of[1] + of_pairs(x, b.of[1])}};
  }
  TEMPO_KERNEL_INLINE Floats load(const float* p) {
    Floats v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  }
  TEMPO_KERNEL_INLINE void store(float* p, const Floats& v) { __builtin_memcpy(p, &v, sizeof v); }
  TEMPO_KERNEL_INLINE Floats load_part(const float* p, int64_t n) {
    Floats v{};
    for (int64_t i = 0; i < n; ++i) v.of[i / 4][i % 4] = p[i];
    return v;
  }
  TEMPO_KERNEL_INLINE void store_part(float* p, const Floats& v, int64_t n) {
    for (int64_t i = 0; i < n; ++i) p[i] = v.of[i / 4][i % 4];
  }
  TEMPO_KERNEL_INLINE Floats repeat_float(float x) {
    return {{x - FourFloats{}, x - FourFloats{}}};
  }
  TEMPO_KERNEL_INLINE Floats add(const Floats& a, const Floats& b) {
    return {{a.of[0] + b.of[0], a.of[1] + b.of[1]}};
  }
  TEMPO_KERNEL_INLINE Floats multiply(const Floats& a, const Floats& b) {
    return {{a.of[0] * b.of[0], a.of[1] * b.of[1]}};
  }
  TEMPO_KERNEL_INLINE Floats scaled(const Ints& a, const Floats& b) {
    return {{__builtin_convertvector(a.of[0], FourFloats) * b.of[0],
             __builtin_convertvector(a.of[1], FourFloats) * b.of[1]}};
  }

  static int32_t largest(int64_t k, const float* a) {
    int32_t most = 0;
    for (int64_t i = 0; i < k; ++i) {
      int32_t bits;
      __builtin_memcpy(&bits, a + i, sizeof bits);
      bits &= 0x7fffffff;
      most = most < bits ? bits : most;
    }
    return most;
  }
  static void quantise(int64_t k, const float* a, float factor, int8_t* q) {
    for (int64_t i = 0; i < k; ++i) {
      const auto word = static_cast<int16_t>(__builtin_lrintf(a[i] * factor));
      __builtin_memcpy(q + 2 * i, &word, sizeof word);
    }
    if (k % 2 != 0) q[2 * k] = q[2 * k + 1] = 0;
  }
};

}  // namespace
}  // namespace tempo

#include "tensor/products/int8_kernels_body.hpp"

namespace tempo {
const Int8Kernels int8_baseline = int8_kernels;
}  // namespace tempo
