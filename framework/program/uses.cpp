// SPDX-License-Identifier: Apache-2.0
// Finds makers and readers in one walk over the instructions.
#include "program/uses.hpp"

#include "ops/known.hpp"
#include "tensor/kernels/dots.hpp"

namespace tempo {

namespace {

// Whether the only result has the elements of the first input unmoved, in its own shape.
bool moves_nothing(const Instruction& i) {
  return !i.op->kernel && i.outputs.size() == 1 && !i.summed;
}

}  // namespace

Uses::Uses(const Program& program, Views views)
    : p_(program),
      roots_(program),
      uses_(program),
      from_state_(computed_from(p_.loop, ValueSet(p_.carried))) {
  for (std::size_t n = 0; n < p_.values.size(); ++n) {
    const ValueId v{static_cast<int32_t>(n)};
    roots_[v] = v;
  }
  for (const Section section : all_sections)
    for (const Instruction& i : p_.section(section)) {
      // A sum that grows in the loop is complete after it: a different value than at each step.
      const Instruction* made = i.inputs.empty() ? nullptr : of(i.inputs[0]).maker;
      const bool grew = section == Section::after && made && made->summed &&
                        of(i.inputs[0]).section == Section::loop;
      if (views == Views::seen_through && moves_nothing(i) && !grew) {
        roots_[i.outputs[0]] = root(i.inputs[0]);
        continue;
      }
      for (ValueId v : i.outputs) {
        of(v).section = section;
        of(v).maker = &i;
      }
      for (ValueId v : i.inputs) of(v).readers[place(section)].push_back(&i);
    }
  for (const ProgramResult& r : p_.results) of(r.value).result = true;
  for (ValueId v : p_.next) of(v).next = true;
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
  const bool of_blocks = i.is(block_matmul_op);
  if ((!i.is(matmul_op) && !of_blocks) || i.summed || i.is_set("transpose_a")) return false;
  const Program& p = uses.program();
  const ValueId right = i.inputs[1];
  const Shape &a = p.shape(i.inputs[0]), &b = p.shape(right);
  const int rank = of_blocks ? 3 : 2;
  return uses.there_before(right) && a.rank() == rank && b.rank() == rank && a.back() > 0 &&
         p.shape(i.outputs[0]).count() > 0;
}

ProductSize size_of_product(const Program& p, const Instruction& product) {
  const Shape &a = p.shape(product.inputs[0]), &out = p.shape(product.outputs[0]);
  return {a[0], product.is(block_matmul_op) ? a[1] : 1, a.back(), out.back()};
}

bool is_faster_over_time(const Program& p, const Instruction& product) {
  constexpr int64_t enough_rows = 8;
  return p.shape(product.outputs[0])[0] < enough_rows;
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

bool is_of_matrix_state(const Program& p, const Shape& shape) {
  // Sums add one row after the other, so rows are limited; sequences in segments have 2 more axes.
  constexpr int64_t most_rows = 1024;
  constexpr int most_axes = Shape::max_rank - 2;
  int rank = 3;
  for (ValueId v : p.carried) rank = std::max(rank, p.shape(v).rank());
  return std::any_of(p.carried.begin(), p.carried.end(), [&](ValueId v) {
    const Shape& s = p.shape(v);
    return s.rank() == rank && rank <= most_axes && s[-1] > 1 && s[-2] > 1 && s[-2] <= most_rows &&
           is_floating(p.type(v).dtype) && s.rank() == shape.rank() &&
           std::equal(s.begin(), s.end() - 1, shape.begin());
  });
}

bool folds_columns(const Program& p, const Instruction& i) {
  if (!i.is(sum_to_op) || i.summed || !column_sum(p.type(i.inputs[0]).dtype)) return false;
  Shape row = p.shape(i.inputs[0]);
  if (!is_of_matrix_state(p, row)) return false;
  row[-2] = 1;
  return p.shape(i.outputs[0]) == row;
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
  return i.op->kernel.tile || i.op->rearranges || folds_rows(p, i) || folds_columns(p, i);
}

bool reads_steps_alone(const Program& p, const Instruction& i) {
  return std::none_of(i.inputs.begin(), i.inputs.end(), [&p](ValueId v) { return p.is_fixed(v); });
}

// Broadcasting aligns axes at the end: different ranks would misplace the new leading axis.
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
