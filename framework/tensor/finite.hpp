// SPDX-License-Identifier: Apache-2.0
// Checks whether numbers are finite or within a bound.
#pragma once

#include "tensor/array.hpp"

namespace tempo {

/// Whether no element is NaN or infinite. Integers never are.
bool all_finite(const View& x);
/// Whether no element is NaN or beyond +-most. Integers never are.
bool all_within(const View& x, float most);
/// The same for n adjacent numbers.
bool run_is_within(const float* x, int64_t n, float most);
bool run_is_within(const double* x, int64_t n, float most);

}  // namespace tempo
