#include "tensor/finite.hpp"

#include "tensor/cpu.hpp"
#include "tensor/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <type_traits>

namespace tempo {

namespace {

constexpr int64_t grain = 1 << 16;

// Without a way out, and counted in integers as wide as T, so that the compiler can take several
// numbers at once.
template <class T>
[[gnu::always_inline]] inline bool look_through(const T* p, int64_t n) {
  using Count = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  Count bad = 0;
  for (int64_t i = 0; i < n; ++i)
    bad |= static_cast<Count>(!(std::abs(p[i]) <= std::numeric_limits<T>::max()));
  return bad == 0;
}
TEMPO_TARGET_AVX2 bool wide(const float* p, int64_t n) { return look_through(p, n); }
TEMPO_TARGET_AVX2 bool wide(const double* p, int64_t n) { return look_through(p, n); }

template <class T>
bool piece_is_finite(const T* p, int64_t n) {
  return instruction_set() == InstructionSet::baseline ? look_through(p, n) : wide(p, n);
}

template <class T>
bool finite(const T* p, int64_t n) {
  if (n <= grain) return piece_is_finite(p, n);
  std::atomic<bool> all{true};
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    if (!piece_is_finite(p + begin, end - begin)) all = false;
  });
  return all;
}

}  // namespace

bool run_is_finite(const float* x, int64_t n) { return finite(x, n); }
bool run_is_finite(const double* x, int64_t n) { return finite(x, n); }

bool all_finite(const View& x) {
  if (x.dtype() == float32) return finite(x.as<float>(), x.count());
  return x.dtype() != float64 || finite(x.as<double>(), x.count());
}

}  // namespace tempo
