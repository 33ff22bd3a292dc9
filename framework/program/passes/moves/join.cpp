// SPDX-License-Identifier: Apache-2.0
// If one step has enough rows, a product gains nothing from running over all steps, and its results
// would be stored and read again. Inside the loop, x W + h U is made in registers.
#include "program/passes/moves/take.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

Program join(Program p) {
  const Uses uses(p);
  put_first(p.loop, take(p.before, [&](const Instruction& i) {
              const ValueId product = i.outputs[0];
              return is_product(uses, i) && uses.only_inside(product) && !p.is_fixed(product) &&
                     !is_faster_over_time(p, i);
            }));
  return p;
}

}  // namespace tempo
