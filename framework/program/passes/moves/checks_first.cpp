// SPDX-License-Identifier: Apache-2.0
// Ops that may refuse an input run before anything is written, so that the states stay unchanged if
// one does.
#include "program/passes/moves/take.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

Program checks_first(Program p) {
  const auto refuses = [](const Instruction& i) { return i.op->refuses; };
  const ValueSet read = needed_for(p.loop, {}, refuses);  // by an op that may refuse, or for one
  put_first(p.loop, take(p.loop, [&](const Instruction& i) {
              return refuses(i) || read.contains_any(i.outputs);
            }));
  return p;
}

}  // namespace tempo
