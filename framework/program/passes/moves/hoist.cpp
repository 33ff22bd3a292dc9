// SPDX-License-Identifier: Apache-2.0
// T small input projections become one large matmul. Elementwise ops stay, unless a moved
// instruction needs them: over all steps they would read from memory, inside the loop from the
// cache. Values that are only summed over time stay, too: sink makes one product over time of them.
#include "ops/known.hpp"
#include "program/passes/moves/take.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"
#include "program/verify.hpp"

namespace tempo {

namespace {

// Values that are read only as sums over time, and whose ops can sum while they compute.
ValueSet only_summed(const Program& p) {
  ValueSet summed, read(p.next), found;
  for (const ProgramResult& r : p.results)
    (r.kind == ProgramResult::sum ? summed : read).insert(r.value);
  for (auto i = p.loop.rbegin(); i != p.loop.rend(); ++i) {
    const bool only = summed.contains_any(i->outputs) && !read.contains_any(i->outputs) &&
                      reads_steps_alone(p, *i);
    const bool on_sums = only && i->op->linear;
    if (on_sums || (only && sums_over_time(p, *i))) found.insert(i->outputs);
    (on_sums ? summed : read).insert(i->inputs);
  }
  return found;
}

// Whether one matrix of a product of two values of a step is larger than the other two together,
// and would be stored for every step only if the product moved. In the loop it stays in the cache.
bool outgrows(const Uses& uses, const Instruction& i) {
  const Program& p = uses.program();
  if (!i.is(matmul_op) || !reads_steps_alone(p, i)) return false;
  const auto size = [&p](ValueId v) { return p.shape(v).count(); };
  const ValueId out = i.outputs[0];
  const int64_t all = size(i.inputs[0]) + size(i.inputs[1]) + size(out);
  const auto largest = [&](ValueId v) { return size(v) > all - size(v); };
  return largest(out) || std::any_of(i.inputs.begin(), i.inputs.end(), [&](ValueId v) {
           const Instruction* made = uses.maker(v);
           return made && is_light(p, *made) && largest(v);
         });
}

// Whether sink should move a product of many rows after the loop: it reads elementwise values,
// which the loop makes in the cache, and the loop does not read its result.
bool is_for_sink(const Uses& uses, const Instruction& i, const ValueSet& read_in_loop) {
  const Program& p = uses.program();
  return i.is(matmul_op) && !i.is_set("transpose_a") && p.is_fixed(i.inputs[1]) &&
         p.shape(i.outputs[0]).rank() == 2 && !read_in_loop.contains_any(i.outputs) &&
         !is_faster_over_time(p, i) &&
         std::any_of(i.inputs.begin(), i.inputs.end(), [&](ValueId v) {
           const Instruction* made = uses.maker(v);
           return made && !p.is_fixed(v) && is_light(p, *made);
         });
}

}  // namespace

Program hoist(Program p) {
  verify_all_in_loop(p, "hoist");
  const Uses uses(p);
  const auto loops = [&p](const Instruction& i) { return i.op->loops && !p.is_fixed(i); };
  const ValueSet bound = computed_from(p.loop, ValueSet(p.carried), loops), summed = only_summed(p);
  ValueSet read_in_loop(p.next);
  for (const Instruction& i : p.loop)
    if (bound.contains_any(i.outputs)) read_in_loop.insert(i.inputs);
  read_in_loop = needed_for(p.loop, read_in_loop);
  ValueSet moves;
  for (const Instruction& i : p.loop)
    if (!bound.contains_any(i.outputs) && !summed.contains_any(i.outputs) &&
        (p.is_fixed(i) ||
         !(is_light(p, i) || outgrows(uses, i) || is_for_sink(uses, i, read_in_loop))))
      moves.insert(i.outputs);
  moves = needed_for(p.loop, moves);
  p.before = take(p.loop, [&](const Instruction& i) { return moves.contains_any(i.outputs); });
  return p;
}

}  // namespace tempo
