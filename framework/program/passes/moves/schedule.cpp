// SPDX-License-Identifier: Apache-2.0
// Elementwise ops come together when products run as early as they can: few groups are few passes
// over the cache.
#include "ops/known.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

// Elementwise ops, except sums of heavy values: there a product is added where the other one lies.
// Views are neither light nor heavy: they are done as early as they can be.
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

// Until all are placed: a heavy one that can run, else all elementwise ones that can.
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
