// SPDX-License-Identifier: Apache-2.0
// An elementwise op can write its result where the concatenation has it, and read a part of a split
// where the whole is; what is a part of two, or of something else, is copied, row by row like any
// elementwise op.
#include "ops/known.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

class Parts {
 public:
  explicit Parts(Program p) : given_(std::move(p)), uses_(given_), p_(given_) {
    for (const Instruction& i : p_.loop)
      if (i.op->pointwise && !i.summed)
        made_.insert(i.outputs[0]);
      else if (!concatenates_columns(i) && !i.is(matmul_op))
        taken_.insert(i.inputs);
  }

  Program run() {
    std::vector<Instruction> loop;
    for (Instruction& i : p_.loop) {
      if (concatenates_columns(i))
        for (ValueId& v : i.inputs)
          if (!made_.contains(v) || !uses_.only_inside(v) || !taken_.insert(v))
            loop.push_back(copied(v));
      loop.push_back(std::move(i));
      if (splits_columns(loop.back()))
        for (ValueId v : ValueIds(loop.back().outputs))
          if (!uses_.only_inside(v)) loop.push_back(copied_outside(v));
    }
    p_.loop = std::move(loop);
    return std::move(p_);
  }

 private:
  // All that is outside of the step reads the copy.
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
  // The copy of v, which becomes v.
  Instruction copied(ValueId& v) {
    const TensorType type = p_.type(v);
    const Role role = p_.is_fixed(v) ? Role::fixed : Role::sequence;
    const ValueId from = std::exchange(v, p_.add_value(role, type));
    return {&cast_op, {{"dtype", static_cast<int64_t>(type.dtype)}}, {from}, {v}};
  }

  const Program given_;
  const Uses uses_;
  Program p_;
  ValueSet taken_;  // something reads it that is not elementwise, or it is a part already
  ValueSet made_;   // by an elementwise op of the loop
};

}  // namespace

Program own_parts(Program p) { return Parts(std::move(p)).run(); }

}  // namespace tempo
