// SPDX-License-Identifier: Apache-2.0
// Linear least squares: a baseline for networks.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// The w [k, m] that minimises |a w - b| for a [n, k] and b [n, m]: NumPy's lstsq, with the columns
/// of a scaled to equal length. It is computed in float64, and has the dtype of a, or the default
/// one if a holds whole numbers. A column of ones in `a` makes a constant term. Throws ShapeError
/// if a and b do not fit, and Error if they or w are not finite.
TEMPO_API Tensor least_squares(const Tensor& a, const Tensor& b);

}  // namespace tempo
