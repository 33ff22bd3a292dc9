// SPDX-License-Identifier: Apache-2.0
// Kernels that move elements and compute nothing. Of any dtype.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// Attribute `permutation`: the input's axes in the order of the output, negative, one per axis.
Kernel transpose_kernel();
/// Attributes `axis`, negative, and `begin`: the output's extent from there on.
Kernel slice_kernel();
/// Attributes `axis`, negative, and `before`: how many zeros come before the input; zeros
/// after it fill the rest of the output.
Kernel pad_kernel();
/// One input or more. Attribute `axis`, negative.
Kernel concat_kernel();
/// One output or more, of sizes that sum to the input's. Attribute `axis`, negative.
Kernel split_kernel();
/// Attribute `axes`, negative.
Kernel reverse_kernel();
/// To the output's shape.
Kernel broadcast_kernel();
/// Attribute `value` (double). No inputs.
Kernel fill_kernel();

}  // namespace tempo
