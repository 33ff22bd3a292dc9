// SPDX-License-Identifier: Apache-2.0
// Rounding up to a multiple.
#pragma once

namespace tempo {

/// The least multiple of `multiple` that is n or more; for n >= 0 and multiple > 0.
template <class N>
constexpr N round_up(N n, N multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

}  // namespace tempo
