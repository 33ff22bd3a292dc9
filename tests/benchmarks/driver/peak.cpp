// SPDX-License-Identifier: Apache-2.0
// Loops of independent fused multiply-adds in registers, for each instruction set.
#include "peak.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace bench {

namespace {

constexpr int64_t rounds = 200'000;
constexpr int chains = 12;  // more than latency times units, less than the registers

// Each function runs `rounds` times `chains` independent y = y * a + b on whole registers. The
// chains are variables, not an array: g++ 12 would keep an array in memory.
#if defined(__x86_64__)
#define TEMPO_CHAINS(X, f) \
  X(0, f) X(1, f) X(2, f) X(3, f) X(4, f) X(5, f) X(6, f) X(7, f) X(8, f) X(9, f) X(10, f) X(11, f)
#define TEMPO_BEGIN(k, f) y##k = one,
#define TEMPO_NEXT(k, f) y##k = f(y##k, a, b);
#define TEMPO_KEEP(k, f) asm volatile("" : "+v"(y##k));
#define TEMPO_FMA_LOOP(function, isa, V, set, fma)    \
  __attribute__((target(isa))) void function() {      \
    const V a = set(0.5), b = set(0.5), one = set(1); \
    V TEMPO_CHAINS(TEMPO_BEGIN, fma) unused = one;    \
    for (int64_t i = 0; i < rounds; ++i) {            \
      TEMPO_CHAINS(TEMPO_NEXT, fma)                   \
      TEMPO_CHAINS(TEMPO_KEEP, fma)                   \
    }                                                 \
    static_cast<void>(unused);                        \
  }
#define TEMPO_MUL_ADD(y, a, b) ((y) * (a) + (b))  // before AVX2 there is no fused one
TEMPO_FMA_LOOP(avx512_float, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps)
TEMPO_FMA_LOOP(avx512_double, "avx512f", __m512d, _mm512_set1_pd, _mm512_fmadd_pd)
TEMPO_FMA_LOOP(avx2_float, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps)
TEMPO_FMA_LOOP(avx2_double, "avx2,fma", __m256d, _mm256_set1_pd, _mm256_fmadd_pd)
TEMPO_FMA_LOOP(plain_float, "sse2", __m128, _mm_set1_ps, TEMPO_MUL_ADD)
TEMPO_FMA_LOOP(plain_double, "sse2", __m128d, _mm_set1_pd, TEMPO_MUL_ADD)
#undef TEMPO_CHAINS
#undef TEMPO_BEGIN
#undef TEMPO_NEXT
#undef TEMPO_KEEP
#undef TEMPO_MUL_ADD
#undef TEMPO_FMA_LOOP

struct Loop {
  void (*run)();
  int lanes;
};
bool has_avx512() { return __builtin_cpu_supports("avx512f"); }
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
Loop loop_for(bool single) {
  if (has_avx512()) return single ? Loop{avx512_float, 16} : Loop{avx512_double, 8};
  if (has_avx2()) return single ? Loop{avx2_float, 8} : Loop{avx2_double, 4};
  return single ? Loop{plain_float, 4} : Loop{plain_double, 2};
}
#endif

}  // namespace

#if defined(__x86_64__)

std::string instruction_set() { return has_avx512() ? "AVX-512" : has_avx2() ? "AVX2" : "SSE2"; }

double fma_peak(const std::string& dtype, int threads) {
  using Clock = std::chrono::steady_clock;
  const Loop loop = loop_for(dtype == "float32");
  std::barrier together(threads);
  std::vector<double> seconds(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> pool;
    for (double& mine : seconds)
      pool.emplace_back([&] {
        loop.run();  // wakes the wide units
        together.arrive_and_wait();
        const auto start = Clock::now();
        loop.run();
        mine = std::chrono::duration<double>(Clock::now() - start).count();
      });
  }
  const double slowest = *std::max_element(seconds.begin(), seconds.end());
  return 2.0 * static_cast<double>(rounds) * chains * loop.lanes * threads / slowest / 1e9;
}

#else

std::string instruction_set() { return "none known"; }
double fma_peak(const std::string&, int) { return 0; }

#endif

}  // namespace bench
