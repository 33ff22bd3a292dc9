// SPDX-License-Identifier: Apache-2.0
// Whether a tensor is finite, for checks during training.
#include "training/finite.hpp"

#include <cmath>
#include <limits>

namespace tempo {

namespace {

// Counts without a way out, so that the compiler can take several numbers at once.
template <class T>
bool all_finite(const T* p, int64_t n) {
  int64_t bad = 0;
  for (int64_t i = 0; i < n; ++i) bad += !(std::abs(p[i]) <= std::numeric_limits<T>::max());
  return bad == 0;
}

}  // namespace

bool is_finite(const Tensor& x) {
  if (!x.has_value()) return false;
  if (x.dtype() == float32) return all_finite(x.data<float>(), x.count());
  return x.dtype() != float64 || all_finite(x.data<double>(), x.count());
}

}  // namespace tempo
