// SPDX-License-Identifier: Apache-2.0
// The linear model that a network is to be compared with.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// The w [k, m] with the least |a w - b|, of a [n, k] and b [n, m]: NumPy's lstsq, on columns of a
/// that were scaled to equal length. Computed in float64; of the dtype of a, or of the default one
/// where a holds whole numbers. A column of ones in `a` makes a constant term. Throws ShapeError
/// where a and b do not fit, and Error where they or w are not finite.
TEMPO_API Tensor least_squares(const Tensor& a, const Tensor& b);

}  // namespace tempo
