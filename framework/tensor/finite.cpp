// SPDX-License-Identifier: Apache-2.0
// Looks for NaN and infinity without branches, so that the compiler vectorises the loop.
#include "tensor/finite.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <type_traits>

#include "tensor/cpu.hpp"
#include "tensor/parallel.hpp"

namespace tempo {

namespace {

constexpr int64_t grain = 1 << 16;

// There is no early exit, and the count is an integer as wide as T, so that the compiler can
// vectorise the loop.
template <class T>
[[gnu::always_inline]] inline bool look_through(const T* p, int64_t n, T most) {
  using Count = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  Count bad = 0;
  for (int64_t i = 0; i < n; ++i) bad |= static_cast<Count>(!(std::abs(p[i]) <= most));
  return bad == 0;
}
TEMPO_TARGET_AVX2 bool wide(const float* p, int64_t n, float m) { return look_through(p, n, m); }
TEMPO_TARGET_AVX2 bool wide(const double* p, int64_t n, double m) { return look_through(p, n, m); }

template <class T>
bool all_at_once(const T* p, int64_t n, T most) {
  return instruction_set() == InstructionSet::baseline ? look_through(p, n, most)
                                                       : wide(p, n, most);
}

template <class T>
bool within(const T* p, int64_t n, T most) {
  if (n <= grain) return all_at_once(p, n, most);
  std::atomic<bool> all{true};
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    if (!all_at_once(p + begin, end - begin, most)) all = false;
  });
  return all;
}

}  // namespace

bool run_is_within(const float* x, int64_t n, float most) { return within(x, n, most); }
bool run_is_within(const double* x, int64_t n, float most) { return within(x, n, double{most}); }

bool all_finite(const View& x) {
  if (x.dtype() == float64)
    return within(x.as<double>(), x.count(), std::numeric_limits<double>::max());
  return all_within(x, std::numeric_limits<float>::max());
}

bool all_within(const View& x, float most) {
  if (x.dtype() == float32) return within(x.as<float>(), x.count(), most);
  return x.dtype() != float64 || within(x.as<double>(), x.count(), double{most});
}

}  // namespace tempo
