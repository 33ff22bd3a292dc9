// SPDX-License-Identifier: Apache-2.0
// What depends on weights alone is computed once.
#include "program/passes/moves/take.hpp"
#include "program/passes/passes.hpp"

namespace tempo {

Program fixed_first(Program p) {
  p.before = take(p.loop, [&p](const Instruction& i) { return p.is_fixed(i); });
  return p;
}

}  // namespace tempo
