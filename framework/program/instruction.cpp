#include "program/instruction.hpp"

#include <algorithm>

namespace tempo {

bool is_product(const Program& p, const Instruction& i) {
  static const OpDefinition* matmul = find_op("matmul");
  const auto value = [&p](int v) -> const ProgramValue& {
    return p.values[static_cast<std::size_t>(v)];
  };
  if (i.op != matmul || i.summed || i.attributes.integer("transpose_a", 0)) return false;
  const int right = i.inputs[1];
  const bool running = std::any_of(p.loop.begin(), p.loop.end(), [right](const Instruction& made) {
    return std::find(made.outputs.begin(), made.outputs.end(), right) != made.outputs.end();
  });
  const Shape &a = value(i.inputs[0]).type.shape, &b = value(right).type.shape;
  return !running && a.rank() == 2 && b.rank() == 2 && value(right).standing == Standing::fixed &&
         a[1] > 0 && value(i.outputs[0]).type.shape.count() > 0;
}

bool folds_rows(const Program& p, const Instruction& i) {
  if (!i.op->kernel.fold || i.inputs.size() != 1) return false;
  const TensorType &from = p.values[static_cast<std::size_t>(i.inputs[0])].type,
                   &to = p.values[static_cast<std::size_t>(i.outputs[0])].type;
  if (from.shape.rank() < 1 || from.shape.back() < 2 || !i.op->kernel.fold(from.dtype))
    return false;
  Shape column = from.shape;
  column[-1] = 1;
  return to.shape == column;
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
