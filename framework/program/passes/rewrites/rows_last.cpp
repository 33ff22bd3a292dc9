// SPDX-License-Identifier: Apache-2.0
// (x W + b) + h U becomes (x W + h U) + b: a sum of products is made in registers, and the row is
// added to it in passing.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

class RowsLast {
 public:
  explicit RowsLast(Program p) : given_(std::move(p)), uses_(given_), p_(given_) {
    p_.loop.clear();
  }

  Program run() {
    for (const Instruction& i : given_.loop)
      if (!i.is(add_op) || (!swap(i, 0) && !swap(i, 1))) p_.loop.push_back(i);
    return without_dead(std::move(p_));
  }

 private:
  bool is_product(ValueId v) const {
    const Instruction* made = uses_.maker(v);
    return made && (made->is(matmul_op) || made->is(block_matmul_op)) &&
           !p_.is_fixed(made->inputs[0]) && p_.is_fixed(made->inputs[1]);
  }
  // The instruction that makes v, behind reshapes; null unless each has only one reader.
  const Instruction* behind_views(ValueId v) const {
    const Instruction* made = uses_.maker(v);
    for (; made && uses_.only_reader(made->outputs[0]); made = uses_.maker(made->inputs[0]))
      if (!made->is(reshape_op)) return made;
    return nullptr;
  }

  bool swap(const Instruction& total, std::size_t side) {
    const ValueId sum = total.inputs[side], other = total.inputs[1 - side];
    const Instruction* inner = behind_views(sum);
    const Instruction* beside = behind_views(other);
    if (!inner || !inner->is(add_op) || !beside || !is_product(beside->outputs[0])) return false;
    for (std::size_t k : {0u, 1u}) {
      const ValueId product = inner->inputs[k], row = inner->inputs[1 - k];
      const Shape of = p_.shape(product), shape = p_.shape(total.outputs[0]);
      if (!is_product(product) || !p_.is_fixed(row) || of.rank() != 2 ||
          p_.shape(row) != Shape{of[1]} || p_.shape(sum) != shape || p_.shape(other) != shape ||
          shape[0] != of[0] || shape.without_first().count() != of[1])
        continue;
      const ValueId under_it = reshaped(p_, product, shape);
      const ValueId both = append(p_, p_.loop, add_op, {}, {under_it, other})[0];
      const ValueId last = reshaped(p_, row, shape.without_first());
      append(p_, p_.loop, add_op, {}, {both, last});
      p_.loop.back().outputs = total.outputs;
      return true;
    }
    return false;
  }

  const Program given_;
  const Uses uses_;
  Program p_;
};

}  // namespace

Program rows_last(Program p) { return RowsLast(std::move(p)).run(); }

}  // namespace tempo
