// SPDX-License-Identifier: Apache-2.0
// What layers ask of a sequence, and do with its mask besides what the ops in them do.
#pragma once

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

/// x without its mask: for results that are other steps than those it is of.
inline Tensor without_mask(const Tensor& x) { return mask_of(x) ? with_mask(x, {}) : x; }

/// A sequence of that data_format as [batch, time, features], or such a one as that format has it.
inline Tensor reordered(const Tensor& x, const std::string& format) {
  if (format == "channels_last" || x.rank() != 3) return x;  // require_sequence says so
  return transpose(without_mask(x), {0, 2, 1});
}

/// y, steps of the input, with the mask of the call.
inline Tensor with_mask_of(const CallOptions& call, const Tensor& y) {
  return call.mask ? with_mask(y, call.mask) : y;
}

/// The mask of the call as one of the steps of x [batch, time, features], [batch, time, 1].
inline Tensor mask_of_steps(const char* who, const Tensor& x, const Tensor& mask) {
  const Shape steps{x.shape()[0], x.shape()[1]};
  if (mask.dtype() != bool_ || mask.shape() != steps)
    throw ShapeError(std::string(who) + ": the mask of [batch, time, features] is bool [batch, " +
                     "time], here " + to_string(steps) + "; got " +
                     to_string(mask.shape(), mask.dtype()) + ".");
  return expand_dims(mask, -1);
}

/// x with another step in place of each that is masked and holds NaN or infinite numbers: the
/// gradient of a weight adds up x dy over all steps, and 0 times NaN is NaN.
inline Tensor usable(const Tensor& x, const Tensor& mask) {
  static const Op usable_steps("usable_steps"), counted_steps("counted_steps");
  const bool fits = mask && x.rank() >= 3 && mask.shape() == Shape{x.shape()[0], x.shape()[1]};
  if (!fits || mask.dtype() != bool_) return x;  // with_mask says what is wrong
  return counted_steps(x, usable_steps(x, mask), {{"borrow", true}});
}

}  // namespace sdk

}  // namespace tempo
