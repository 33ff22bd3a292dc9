// SPDX-License-Identifier: Apache-2.0
// Kernels over sequences of which a mask leaves steps out.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// Inputs x [batch, time, rest...], mask [batch, time] of bools: output x, with another step in
/// place of each that the mask leaves out: zeros, or, where the attribute "borrow" is not 0, the
/// first step of the sequence that counts. A sequence without any borrows from the first one that
/// has any; where no step counts at all, the output is 0.
Kernel counted_steps_kernel();
/// Inputs as above, x floating: output bool [batch, time], true where the mask is, and at the steps
/// of x that hold numbers alone whose squares are far from infinite.
Kernel usable_steps_kernel();

/// Inputs y [batch, steps, rest...], mask [batch, time], time >= steps: output [batch, time,
/// rest...], y at the steps that count, and at each other one what was there at the last step
/// before it that counts (where the attribute "reverse" is not 0: the first one after it), or 0
/// where there is none. From `steps` on none counts.
Kernel held_steps_kernel();
/// The transpose of that, from [batch, time, rest...] to the attribute "steps".
Kernel added_steps_kernel();

}  // namespace tempo
