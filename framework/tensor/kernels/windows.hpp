// SPDX-License-Identifier: Apache-2.0
// Kernels of windows along an axis. Attributes: `axis`, negative and not the last one, `size`,
// `stride` and `dilation`, at least 1.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// The windows side by side on the last axis.
Kernel windows_kernel();
/// The sum of windows where they lie on one another, and 0 where there are none.
Kernel overlap_add_kernel();

}  // namespace tempo
