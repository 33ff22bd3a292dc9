// SPDX-License-Identifier: Apache-2.0
// Over all steps a product gains nothing on one step's rows if these are enough, and its results
// would be stored and read again; inside, x W + h U is made in registers.
#include "program/passes/moves/take.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

// For fewer, a product of all steps reads its right side less often.
constexpr int64_t fewest_rows = 8;

}  // namespace

Program join(Program p) {
  const Uses uses(p);
  put_first(p.loop, take(p.before, [&](const Instruction& i) {
              const ValueId product = i.outputs[0];
              return is_product(uses, i) && uses.only_inside(product) && !p.is_fixed(product) &&
                     p.shape(product)[0] >= fewest_rows;
            }));
  return p;
}

}  // namespace tempo
