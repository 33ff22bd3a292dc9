// SPDX-License-Identifier: Apache-2.0
// If products run as early as possible, elementwise ops come together: fewer groups mean fewer
// passes over the cache.
#include "ops/known.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

// Elementwise ops, except sums of heavy values: the product is added in the place of the other
// value. Views are neither light nor heavy: they run as early as possible.
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

// Repeats until all are placed: the next heavy instruction that can run, else all light ones.
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
