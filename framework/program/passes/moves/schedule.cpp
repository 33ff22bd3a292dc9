// SPDX-License-Identifier: Apache-2.0
// Elementwise ops come together when products run as early as they can: few groups are few passes
// over the cache.
#include "ops/known.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

// Elementwise ops, but for sums of what is heavy: a product is added to where the other one is.
// What moves nothing is neither: it is done as early as it can.
ValueSet made_by_light_ones(const Program& p) {
  ValueSet there(p.sequences), made;
  there.insert(p.carried);
  for (const Instruction& i : p.loop) {
    if (!i.op->kernel) {
      if (there.contains_any(i.inputs)) there.insert(i.outputs);
      continue;
    }
    const bool sum_of_heavy = i.is(add_op) && !there.contains_any(i.inputs);
    if (!is_light(p, i) || sum_of_heavy) continue;
    there.insert(i.outputs);
    made.insert(i.outputs);
  }
  return made;
}

}  // namespace

// Until all are placed: what is heavy and can run, else all that is elementwise and can.
Program schedule(Program p) {
  const ValueSet light = made_by_light_ones(p);
  ValueSet waiting;
  for (const Instruction& i : p.loop) waiting.insert(i.outputs);
  std::vector<Instruction> placed;
  const auto place = [&](bool light_ones) {
    const std::size_t before = placed.size();
    std::erase_if(p.loop, [&](Instruction& i) {
      if (light.contains_any(i.outputs) != light_ones || waiting.contains_any(i.inputs))
        return false;
      waiting.erase(i.outputs);
      placed.push_back(i);
      return true;
    });
    return placed.size() > before;
  };
  while (!p.loop.empty())
    if (!place(false)) place(true);
  p.loop = std::move(placed);
  return p;
}

}  // namespace tempo
