// SPDX-License-Identifier: Apache-2.0
// Decompositions, for initializers.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// Input [rows, columns] of normal numbers, rows >= columns. Output: a matrix of the same shape
/// with orthonormal columns, uniformly distributed (Mezzadri, 2007): Q of QR, with R's diagonal
/// positive.
Kernel orthogonal_kernel();

}  // namespace tempo
