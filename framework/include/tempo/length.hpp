// SPDX-License-Identifier: Apache-2.0
// Lengths of vectors whose squares may be too large for their dtype.
#pragma once

#include <tempo/movement.hpp>
#include <tempo/reduction.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {

/// A factor that scales huge vectors of x along these axes down, so that the sum of their squares
/// is finite; it is 1 for nearly all vectors. No gradient flows through it: results that do not
/// depend on the factor have the right gradient without.
inline Tensor moderating(const Tensor& x, const Axes& axes) {
  require_along("length", x, axes);
  if (x.count() == 0) return ones_like(x);
  return stop_gradient(minimum(1e15 / max(abs(x), axes, true), 1));
}

/// Vectors of length 1 along these axes; a vector shorter than `least` is divided by `least`.
inline Tensor unit(const Tensor& x, const Axes& axes, double least) {
  const Tensor moderate = x * moderating(x, axes);
  return moderate / sqrt(maximum(sum(square(moderate), axes, true), least * least));
}

/// The length of the vectors along these axes, which are kept as 1.
inline Tensor length(const Tensor& x, const Axes& axes) {
  const Tensor factor = moderating(x, axes);
  return sqrt(sum(square(x * factor), axes, true)) / factor;
}

}  // namespace sdk

}  // namespace tempo
