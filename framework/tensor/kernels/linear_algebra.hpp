// SPDX-License-Identifier: Apache-2.0
// Decompositions of matrices.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// Inputs a [n, k] and b [n, m]. Output: the w [k, m] with the least |a w - b|; if there are
/// several, the shortest (LAPACK's gelsd, by singular values).
Kernel least_squares_kernel();

/// Input [rows, columns] of normal numbers, rows >= columns. Output: a matrix of the same shape
/// with orthonormal columns, uniformly distributed (Mezzadri, 2007): Q of QR, with R's diagonal
/// positive.
Kernel orthogonal_kernel();

}  // namespace tempo
