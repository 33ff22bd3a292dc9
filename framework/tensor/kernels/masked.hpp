// SPDX-License-Identifier: Apache-2.0
// Kernels on sequences with masked steps.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// Inputs x [batch, time, rest...], mask [batch, time] of bools: output x with masked steps
/// replaced: by zeros or, if the attribute "borrow" is not 0, by the first counted step of the same
/// sequence. A sequence without counted steps borrows from the first sequence that has one; if none
/// has, the output is 0.
Kernel counted_steps_kernel();
/// Inputs as above, x floating: output bool [batch, time], true where the mask is, and also at
/// steps of x that hold only numbers whose squares are far from infinite.
Kernel usable_steps_kernel();

/// Inputs y [batch, steps, rest...], mask [batch, time], time >= steps: output [batch, time,
/// rest...]: y at the steps that count, and at each other step a copy of the last step before it
/// that counts (if the attribute "reverse" is not 0: of the first after it), or 0 if there is none.
/// Steps from `steps` on never count.
Kernel held_steps_kernel();
/// The transpose of held_steps, from [batch, time, rest...] to the attribute "steps".
Kernel added_steps_kernel();

}  // namespace tempo
