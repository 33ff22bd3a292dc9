// SPDX-License-Identifier: Apache-2.0
// Checks of sequences, and what layers do with masks besides what their ops do.
#pragma once

#include <algorithm>

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

/// The options of a layer that has none of its own.
struct NamedOptions {
  Regularizer activity_regularizer = {};
  std::string name = "";
};
inline void describe(auto&, NamedOptions&) {}

namespace sdk {

inline void require_sequence(const char* who, const Tensor& x) {
  if (x.rank() == 3) return;
  throw ShapeError(std::string(who) + ": needs [batch, time, features], got " +
                   to_string(x.shape()) + ".");
}

/// Describes the option `data_format` of a layer over time.
inline void describe_data_format(auto& option, auto& o) {
  option("data_format", o.data_format,
         "The order of the axes: [batch, time, features], or [batch, features, time], which has no "
         "place for a mask.",
         one_of("channels_last|channels_first"));
}

/// x without its mask: for results with other steps than those of the mask.
inline Tensor without_mask(const Tensor& x) { return mask_of(x) ? with_mask(x, {}) : x; }

/// With channels_first, swaps time and features: to [batch, time, features], or back from it.
inline Tensor reordered(const Tensor& x, const std::string& format) {
  if (format == "channels_last" || x.rank() != 3) return x;  // require_sequence says so
  return transpose(without_mask(x), {0, 2, 1});
}

/// y, whose steps are those of the input, with the mask of the call.
inline Tensor with_mask_of(const CallOptions& call, const Tensor& y) {
  return call.mask ? with_mask(y, call.mask) : y;
}

/// The mask of the call for the steps of x [batch, time, features], as [batch, time, 1].
inline Tensor mask_of_steps(const char* who, const Tensor& x, const Tensor& mask) {
  const Shape steps{x.shape()[0], x.shape()[1]};
  if (mask.dtype() != bool_ || mask.shape() != steps)
    throw ShapeError(std::string(who) + ": the mask of [batch, time, features] is bool [batch, " +
                     "time], here " + to_string(steps) + "; got " +
                     to_string(mask.shape(), mask.dtype()) + ".");
  return expand_dims(mask, -1);
}

/// Whether it is a mask of the first axes of x: of samples [batch], of steps [batch, time], or of
/// their parts. with_mask throws the error for any other.
inline bool is_mask_of(const Tensor& mask, const Tensor& x) {
  if (!mask || mask.dtype() != bool_ || mask.rank() < 1 || mask.rank() > x.rank()) return false;
  const Shape counted = mask.shape(), all = x.shape();
  return std::equal(counted.begin(), counted.end(), all.begin());
}

/// A mask of the first axes of x, reshaped to be broadcast against it.
inline Tensor against(const Tensor& x, const Tensor& mask) {
  Shape shape = mask.shape();
  while (shape.rank() < x.rank()) shape.push_back(1);
  return reshape(mask, shape);
}

/// f(x, mask) for a mask of the first axes of x, which f sees as [batch, time]; a sample is a
/// sequence of one step.
inline Tensor as_sequences(const Tensor& x, const Tensor& mask, auto f) {
  if (mask.rank() == 2) return f(x, mask);
  const Shape all = x.shape(), counted = mask.shape();
  const int64_t time = counted.rank() == 1 ? 1 : counted.back(),
                batch = time == 0 ? 0 : counted.count() / time;
  const int64_t features = Shape(all.begin() + counted.rank(), all.end()).count();
  return reshape(f(reshape(x, {batch, time, features}), reshape(mask, {batch, time})), all);
}

/// x with another step in place of each masked one that holds NaN, infinite numbers, or numbers
/// whose squares may be infinite: the gradient of a weight sums x dy over all steps, and 0 times
/// NaN is NaN.
inline Tensor usable(const Tensor& x, const Tensor& mask) {
  static const Op usable_steps("usable_steps"), counted_steps("counted_steps");
  if (!is_floating(x.dtype()) || !is_mask_of(mask, x)) return x;
  return as_sequences(x, mask, [](const Tensor& steps, const Tensor& counted) {
    return counted_steps(steps, usable_steps(steps, counted), {{"borrow", true}});
  });
}

/// y; no NaN or infinite gradient flows back from it to masked steps. There, 0 times the slope of a
/// function that overflows would be NaN.
inline Tensor with_usable_gradient(const Tensor& y, const Tensor& mask) {
  static const Op usable_gradient("usable_gradient");
  if (!is_floating(y.dtype()) || !is_mask_of(mask, y)) return y;
  return as_sequences(y, mask, [](const Tensor& steps, const Tensor& counted) {
    return usable_gradient(steps, counted);
  });
}

}  // namespace sdk

}  // namespace tempo
