// SPDX-License-Identifier: Apache-2.0
// Products with block-diagonal matrices: each block of a row is multiplied by its own matrix.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// a [..., blocks, k], b [blocks, k, n] -> [..., blocks, n]. With the attribute `transpose_b`, b is
/// stored as [blocks, n, k]. If there is a leading time axis, b may have it, too.
Kernel block_matmul_kernel();

/// a [..., blocks, k], b [..., blocks, n] -> [blocks, k, n]: a^T b for each block, summed over all
/// leading axes.
Kernel block_outer_kernel();
/// The same, added to the output.
Kernel summed_block_outer_kernel();

}  // namespace tempo
