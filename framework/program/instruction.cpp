#include "program/instruction.hpp"

#include "ops/known.hpp"

namespace tempo {

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

}  // namespace tempo
