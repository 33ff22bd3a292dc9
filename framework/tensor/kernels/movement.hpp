// SPDX-License-Identifier: Apache-2.0
// Kernels that move elements and compute nothing, for any dtype.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// Attribute `permutation`: the input's axes in the order of the output, negative, one per axis.
Kernel transpose_kernel();
/// Attributes `axis`, negative, and `begin`, the first index; the output's extent says how many.
Kernel slice_kernel();
/// Attributes `axis`, negative, and `before`: the number of zeros before the input; zeros after it
/// fill the rest of the output.
Kernel pad_kernel();
/// One or more inputs. Attribute `axis`, negative.
Kernel concat_kernel();
/// One or more outputs, whose sizes sum to that of the input. Attribute `axis`, negative.
Kernel split_kernel();
/// Attribute `axes`, negative.
Kernel reverse_kernel();
/// Broadcasts to the output's shape.
Kernel broadcast_kernel();
/// Attribute `value` (double). No inputs.
Kernel fill_kernel();

}  // namespace tempo
