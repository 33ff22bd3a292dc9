// SPDX-License-Identifier: Apache-2.0
// Whether numbers are numbers.
#pragma once

#include "tensor/array.hpp"

namespace tempo {

/// Whether no element is NaN or infinite. Integers never are.
bool all_finite(const View& x);
/// Whether no element is NaN or beyond +-most. Integers never are.
bool all_within(const View& x, float most);
/// The same of n numbers that lie side by side.
bool run_is_within(const float* x, int64_t n, float most);
bool run_is_within(const double* x, int64_t n, float most);

}  // namespace tempo
