// SPDX-License-Identifier: Apache-2.0
// Values that depend on weights alone are computed once.
#include "program/passes/moves/take.hpp"
#include "program/passes/passes.hpp"
#include "program/verify.hpp"

namespace tempo {

Program fixed_first(Program p) {
  verify_all_in_loop(p, "fixed_first");
  p.before = take(p.loop, [&p](const Instruction& i) { return p.is_fixed(i); });
  return p;
}

}  // namespace tempo
