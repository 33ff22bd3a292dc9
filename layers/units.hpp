// SPDX-License-Identifier: Apache-2.0
// What layers with weights of a chosen size share: the option that they must be given, and input
// whose padding does not harm the weights.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

/// `gates`: how many columns of its widest matrix each unit has.
inline void require_units(const std::string& who, int units, int64_t gates = 1) {
  if (units < 1)
    throw Error(who + ": units is not set; it is the size of the output.\n  Give it: " + who +
                "({.units = 32}), or {\"units\", 32} by name.");
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  if (gates * units > most)
    throw Error(who + ": units is " + std::to_string(units) + "; its weights would have " +
                std::to_string(gates) + " * units columns, and a matrix has at most " +
                std::to_string(most) + ".\n  units can be " + std::to_string(most / gates) +
                " at most.");
}

/// x with another step in place of each that is masked and holds NaN or infinite numbers: the
/// gradient of a kernel adds up x dy over all steps, and 0 times NaN is NaN.
inline Tensor usable(const Tensor& x, const Tensor& mask) {
  static const sdk::Op usable_steps("usable_steps"), counted_steps("counted_steps");
  const bool fits = x.rank() >= 3 && mask.shape() == Shape{x.shape()[0], x.shape()[1]};
  if (!fits || mask.dtype() != bool_) return x;  // with_mask says what is wrong
  return counted_steps(x, usable_steps(x, mask), {{"borrow", true}});
}

}  // namespace tempo
