// SPDX-License-Identifier: Apache-2.0
// Kernels of windows along an axis. Attributes: `axis`, negative and not the last one; `size`,
// `stride` and `dilation`, each at least 1.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// The windows, side by side on the last axis.
Kernel windows_kernel();
/// The sum of overlapping windows, and 0 where there is none.
Kernel overlap_add_kernel();

}  // namespace tempo
