// SPDX-License-Identifier: Apache-2.0
// An elementwise op or a product can write its result into a concatenation, and read a part of a
// split in the whole. A value that is a part of two, or is made otherwise, is copied row by row, as
// by any elementwise op; so is a part for a reader that needs it in one piece.
#include "ops/known.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

class Parts {
 public:
  explicit Parts(Program p) : given_(std::move(p)), uses_(given_), p_(given_), copy_of_(given_) {
    for (const Instruction& i : p_.loop) {
      if (splits_columns(i)) parts_.insert(i.outputs);
      if ((i.op->pointwise && !i.summed) || is_product(uses_, i)) made_.insert(i.outputs[0]);
      if (!i.op->pointwise && !concatenates_columns(i) && !reads_rows(i)) taken_.insert(i.inputs);
    }
  }

  Program run() {
    std::vector<Instruction> loop;
    for (Instruction& i : p_.loop) {
      if (concatenates_columns(i)) {
        for (ValueId& v : i.inputs)
          if (!made_.contains(v) || !uses_.only_inside(v) || !taken_.insert(v))
            loop.push_back(copied(v));
      } else if (!i.op->pointwise && !reads_rows(i)) {
        for (ValueId& v : i.inputs)
          if (parts_.contains(v)) read_copy(v, loop);
      }
      loop.push_back(std::move(i));
      if (splits_columns(loop.back()))
        for (ValueId v : ValueIds(loop.back().outputs))
          if (!uses_.only_inside(v)) loop.push_back(copied_outside(v));
    }
    p_.loop = std::move(loop);
    return std::move(p_);
  }

 private:
  // Whether the instruction reads a matrix row by row, so that rows need not be adjacent.
  bool reads_rows(const Instruction& i) const {
    if (!i.op->kernel && !i.inputs.empty())
      return cols_of(p_.shape(i.inputs[0])) == cols_of(p_.shape(i.outputs[0]));
    return is_product(uses_, i) || folds_rows(p_, i);
  }
  void read_copy(ValueId& v, std::vector<Instruction>& loop) {
    std::optional<ValueId>& copy = copy_of_[v];
    if (!copy) {
      copy = v;
      loop.push_back(copied(*copy));
    }
    v = *copy;
  }
  // Makes a copy that all readers outside of the step use.
  Instruction copied_outside(ValueId v) {
    ValueId copy = v;
    Instruction i = copied(copy);
    for (ProgramResult& r : p_.results)
      if (r.value == v) r.value = copy;
    std::replace(p_.next.begin(), p_.next.end(), v, copy);
    for (Instruction& reader : p_.after)
      std::replace(reader.inputs.begin(), reader.inputs.end(), v, copy);
    return i;
  }
  // The instruction that copies v; v becomes the copy.
  Instruction copied(ValueId& v) {
    const TensorType type = p_.type(v);
    const Role role = p_.is_fixed(v) ? Role::fixed : Role::sequence;
    const ValueId from = std::exchange(v, p_.add_value(role, type));
    return {&cast_op, {{"dtype", static_cast<int64_t>(type.dtype)}}, {from}, {v}};
  }

  const Program given_;
  const Uses uses_;
  Program p_;
  ValueSet taken_;  // not read row by row, or a part of a concatenation already
  ValueSet made_;   // results of elementwise ops of the loop and of products
  ValueSet parts_;  // parts of splits
  ValueTable<std::optional<ValueId>> copy_of_;
};

}  // namespace

Program own_parts(Program p) { return Parts(std::move(p)).run(); }

}  // namespace tempo
