// SPDX-License-Identifier: Apache-2.0
// The linear model that a network is to be compared with.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// The w [k, m] with the least |a w - b|, of a [n, k] and b [n, m]; as NumPy's lstsq, but that of
/// several such w, where columns of a depend on each other, it need not be the shortest. Computed
/// in float64, of the dtype of a. A column of ones in `a` makes a constant term.
TEMPO_API Tensor least_squares(const Tensor& a, const Tensor& b);

}  // namespace tempo
