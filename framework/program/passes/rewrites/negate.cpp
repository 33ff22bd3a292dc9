// SPDX-License-Identifier: Apache-2.0
// A sum of negatives becomes the negative of the sum, which has fewer elements.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

Program negate(Program given) {
  const Uses uses(given);
  Program p = given;
  p.loop.clear();
  ValueTable<std::optional<ValueId>> negative_of(given);
  for (const Instruction& i : given.loop) {
    const auto summed = i.is(sum_to_op) ? negative_of[i.inputs[0]] : std::nullopt;
    if (summed && uses.read_once(i.inputs[0]) && uses.only_inside(i.inputs[0])) {
      const ValueId total = append(p, p.loop, sum_to_op, i.attributes, {*summed})[0];
      p.loop.push_back({&negative_op, {}, {total}, i.outputs});
    } else {
      p.loop.push_back(i);
    }
    if (const Instruction& made = p.loop.back(); made.is(negative_op))
      negative_of[made.outputs[0]] = made.inputs[0];
  }
  return without_dead(std::move(p));
}

}  // namespace tempo
