// SPDX-License-Identifier: Apache-2.0
// T small input projections become one large matmul. What is elementwise stays, unless something
// that moves needs it: over all steps it would read from memory what is in the cache inside the
// loop.
#include "program/passes/moves/take.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"
#include "program/verify.hpp"

namespace tempo {

Program hoist(Program p) {
  verify_all_in_loop(p, "hoist");
  const auto loops = [&p](const Instruction& i) { return i.op->loops && !p.is_fixed(i); };
  const ValueSet bound = computed_from(p.loop, ValueSet(p.carried), loops);
  const auto gains = [&](const Instruction& i) {
    return !bound.contains_any(i.outputs) && (p.is_fixed(i) || !is_light(p, i));
  };
  const ValueSet needed = needed_for(p.loop, {}, gains);
  p.before = take(p.loop,
                  [&](const Instruction& i) { return gains(i) || needed.contains_any(i.outputs); });
  return p;
}

}  // namespace tempo
