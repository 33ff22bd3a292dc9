// SPDX-License-Identifier: Apache-2.0
// Reductions along axes, and ops that run along one.
#pragma once

#include <algorithm>

#include <tempo/axes.hpp>
#include <tempo/elementwise.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {
inline Tensor reduced(const Op& op, const char* who, const Tensor& x, const Axes& axes,
                      bool keepdims) {
  if (x.rank() == 0) return x;
  return op(x, {{"axes", from_end(who, axes, x.rank())}, {"keepdims", keepdims}});
}
}  // namespace sdk

#define TEMPO_REDUCTION(name)                                                         \
  inline Tensor name(const Tensor& x, const Axes& axes = {}, bool keepdims = false) { \
    static const sdk::Op op(#name);                                                   \
    return sdk::reduced(op, #name, x, axes, keepdims);                                \
  }                                                                                   \
  inline Tensor name(const Tensor& x, int axis, bool keepdims = false) {              \
    return name(x, Axes{axis}, keepdims);                                             \
  }
TEMPO_REDUCTION(max)
TEMPO_REDUCTION(min)
#undef TEMPO_REDUCTION

/// The sum; of bools, the number that are true, int64.
inline Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdims = false) {
  static const sdk::Op op("sum");
  return sdk::reduced(op, "sum", x.dtype() == bool_ ? cast(x, int64) : x, axes, keepdims);
}
inline Tensor sum(const Tensor& x, int axis, bool keepdims = false) {
  return sum(x, Axes{axis}, keepdims);
}

namespace sdk {
/// Refuses an x that is not floating in a composition's name, before one of its ops does.
inline void require_floating(const char* who, const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw ShapeError(std::string(who) + ": needs float32 or float64, got " +
                     to_string(x.shape(), x.dtype()) + ".\n  cast(x, float32) makes it so.");
}
/// Integers and bools are summed in int64, and the sum is divided in the default dtype.
inline Tensor mean_of(const Tensor& x, const Axes& axes, bool keepdims) {
  const bool real = is_floating(x.dtype());
  const Tensor added = sum(real ? x : cast(x, int64), axes, keepdims),
               total = real ? added : cast(added, DType::automatic);
  const auto n =
      static_cast<double>(x.count()) / static_cast<double>(std::max<int64_t>(1, total.count()));
  return total / n;
}
inline void require_axes(const char* who, const Tensor& x, const Axes& axes) {
  if (x.rank() > 0) from_end(who, axes, x.rank());
}
/// Refuses, in a composition's name, an x that is not floating and axes that it does not have.
inline void require_along(const char* who, const Tensor& x, const Axes& axes) {
  require_floating(who, x);
  require_axes(who, x, axes);
}
}  // namespace sdk

/// The mean; of integers and bools (the share that is true) in the default dtype, summed in int64.
inline Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false) {
  sdk::require_axes("mean", x, axes);
  return sdk::mean_of(x, axes, keepdims);
}
inline Tensor mean(const Tensor& x, int axis, bool keepdims = false) {
  return mean(x, Axes{axis}, keepdims);
}
/// The mean squared distance from the mean (divided by n); of integers in the default dtype, from
/// distances in float64.
inline Tensor var(const Tensor& x, const Axes& axes = {}, bool keepdims = false) {
  sdk::require_axes("var", x, axes);
  const bool is_real = is_floating(x.dtype());
  const Tensor real = is_real ? x : cast(x, float64);
  const Tensor y = sdk::mean_of(square(real - sdk::mean_of(real, axes, true)), axes, keepdims);
  return is_real ? y : cast(y, DType::automatic);
}
inline Tensor var(const Tensor& x, int axis, bool keepdims = false) {
  return var(x, Axes{axis}, keepdims);
}
/// The position of the largest element along an axis, int64; the first among equal ones.
inline Tensor argmax(const Tensor& x, int axis = -1) {
  static const sdk::Op op("argmax");
  return op(x, {{"axis", sdk::from_end("argmax", axis, x.rank())}});
}
/// Running sums along an axis.
inline Tensor cumsum(const Tensor& x, int axis, bool reversed = false) {
  static const sdk::Op op("cumsum");
  return op(x, {{"axis", sdk::from_end("cumsum", axis, x.rank())}, {"reverse", reversed}});
}

}  // namespace tempo
