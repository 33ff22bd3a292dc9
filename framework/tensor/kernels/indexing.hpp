// SPDX-License-Identifier: Apache-2.0
// Kernels that find elements by an array of indices (int32 or int64).
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// Inputs table [n, rest...], indices: output [indices..., rest...]. Throws a ShapeError for an
/// index outside of 0..n-1.
Kernel gather_kernel();
/// Inputs indices, updates [indices..., rest...]: output [n, rest...], zeros plus the updates,
/// added in the order of the indices. Numeric dtypes; throws as gather does.
Kernel scatter_add_kernel();
/// Input indices: output [indices..., depth], 1 at the index and 0 elsewhere. Numeric dtypes. An
/// index outside of 0..depth-1 gives a row of zeros.
Kernel one_hot_kernel();

/// Input x, numbers: output the same as indices, int32 if x is floating. Throws an Error if one is
/// not a whole number from 0 to the attribute "bound" - 1. The Error begins with the attribute
/// "who", and "rule" states the requirement.
Kernel index_kernel();

}  // namespace tempo
