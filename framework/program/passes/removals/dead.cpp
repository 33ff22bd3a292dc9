// SPDX-License-Identifier: Apache-2.0
// Drops values that no result needs.
#include "program/passes/passes.hpp"
#include "program/uses.hpp"
#include "program/verify.hpp"

namespace tempo {

Program without_dead(Program p) {
  verify_all_in_loop(p, "without_dead");
  ValueSet live;
  for (const ProgramResult& r : p.results) live.insert(r.value);
  for (bool changed = true; changed;) {
    live = needed_for(p.loop, std::move(live));
    changed = false;
    for (std::size_t k = 0; k < p.carried.size(); ++k)
      if (live.contains(p.carried[k])) changed |= live.insert(p.next[k]);
  }
  std::erase_if(p.loop, [&](const Instruction& i) { return !live.contains_any(i.outputs); });
  for (std::size_t k = 0; k < p.carried.size(); ++k)
    if (!live.contains(p.carried[k])) p.next[k] = p.carried[k];
  return p;
}

}  // namespace tempo
