// SPDX-License-Identifier: Apache-2.0
// Cross-entropy of rows of logits with class indices; each direction is one pass over a row.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// Inputs logits [..., n] (floating) and labels [...] (int32 or int64, in [0, n)); output [...]:
/// ln(sum(e^logits)) - logits[label] of each row, without overflow.
Kernel cross_entropy_kernel();

/// Inputs logits, labels and weights [...]; output [..., n]: weight (softmax(logits) - 1 at label).
Kernel cross_entropy_slope_kernel();

}  // namespace tempo
