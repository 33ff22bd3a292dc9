// SPDX-License-Identifier: Apache-2.0
// One walk over the instructions notes makers and readers.
#include "program/uses.hpp"

#include "ops/known.hpp"

namespace tempo {

Uses::Uses(const Program& program)
    : p_(program), uses_(program), from_state_(computed_from(p_.loop, ValueSet(p_.carried))) {
  for (const Section section : all_sections)
    for (const Instruction& i : p_.section(section)) {
      for (ValueId v : i.outputs) {
        uses_[v].section = section;
        uses_[v].maker = &i;
      }
      for (ValueId v : i.inputs) uses_[v].readers[place(section)].push_back(&i);
    }
  for (const ProgramResult& r : p_.results) uses_[r.value].result = true;
  for (ValueId v : p_.next) uses_[v].next = true;
}

const Instruction* Uses::only_reader(ValueId v) const {
  const auto& all = readers(v);
  const bool one =
      !all.empty() && std::all_of(all.begin(), all.end(), [&](auto* r) { return r == all[0]; });
  return one && only_inside(v) ? all[0] : nullptr;
}

bool Uses::made_for_loop(ValueId v) const {
  return section(v) == Section::before && p_.is_sequence(v) && read_once(v) && only_inside(v);
}

bool is_product(const Uses& uses, const Instruction& i) {
  if (!i.is(matmul_op) || i.summed || i.is_set("transpose_a")) return false;
  const Program& p = uses.program();
  const ValueId right = i.inputs[1];
  const Shape &a = p.shape(i.inputs[0]), &b = p.shape(right);
  return uses.there_before(right) && a.rank() == 2 && b.rank() == 2 && a[1] > 0 &&
         p.shape(i.outputs[0]).count() > 0;
}

bool folds_rows(const Program& p, const Instruction& i) {
  if (!i.op->kernel.fold || i.inputs.size() != 1) return false;
  const TensorType& from = p.type(i.inputs[0]);
  if (from.shape.rank() < 1 || from.shape.back() < 2 || !i.op->kernel.fold(from.dtype))
    return false;
  Shape column = from.shape;
  column[-1] = 1;
  return p.shape(i.outputs[0]) == column;
}

namespace {

bool rearranges_columns(const Instruction& i) {
  return i.op->rearranges && i.attributes.integer("axis", 0) == -1;
}

}  // namespace

bool concatenates_columns(const Instruction& i) {
  return rearranges_columns(i) && i.inputs.size() > 1;
}

bool splits_columns(const Instruction& i) { return rearranges_columns(i) && i.outputs.size() > 1; }

bool is_light(const Program& p, const Instruction& i) {
  return i.op->kernel.tile || i.op->rearranges || folds_rows(p, i);
}

bool reads_steps_alone(const Program& p, const Instruction& i) {
  return std::none_of(i.inputs.begin(), i.inputs.end(), [&p](ValueId v) { return p.is_fixed(v); });
}

// What broadcasts finds axes from the last one: ranks that differ would shift the new one.
bool sums_over_time(const Program& p, const Instruction& i) {
  if (!i.op->summed || i.outputs.size() != 1) return false;
  const auto rank = [&p](ValueId v) { return p.shape(v).rank(); };
  return i.op->leading_axis != LeadingAxis::broadcast ||
         std::all_of(i.inputs.begin(), i.inputs.end(),
                     [&](ValueId v) { return rank(v) == rank(i.outputs[0]); });
}

ValueSet computed_from(const std::vector<Instruction>& instructions, ValueSet values,
                       const std::function<bool(const Instruction&)>& begins) {
  for (const Instruction& i : instructions)
    if (values.contains_any(i.inputs) || (begins && begins(i))) values.insert(i.outputs);
  return values;
}

ValueSet needed_for(const std::vector<Instruction>& instructions, ValueSet values,
                    const std::function<bool(const Instruction&)>& ends) {
  for (auto i = instructions.rbegin(); i != instructions.rend(); ++i)
    if (values.contains_any(i->outputs) || (ends && ends(*i))) values.insert(i->inputs);
  return values;
}

}  // namespace tempo
