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
  explicit Parts(Program p) : p_(std::move(p)) {
    for (const auto* section : {&p_.before, &p_.after})
      for (const Instruction& i : *section) taken_.insert(i.inputs);
    for (const ProgramResult& r : p_.results) taken_.insert(r.value);
    taken_.insert(p_.next);
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
          if (!made_.contains(v) || !taken_.insert(v)) loop.push_back(copied(v));
      loop.push_back(std::move(i));
      if (splits_columns(loop.back()))
        for (ValueId v : ValueIds(loop.back().outputs))
          if (leaves(v)) loop.push_back(copied_outside(v));
    }
    p_.loop = std::move(loop);
    return std::move(p_);
  }

 private:
  // Whether something outside of the step reads it.
  bool leaves(ValueId v) {
    bool found = false;
    for_each_outside([&](ValueId other) { found |= other == v; });
    return found;
  }
  Instruction copied_outside(ValueId v) {
    ValueId copy = v;
    Instruction i = copied(copy);
    for_each_outside([&](ValueId& other) { other = other == v ? copy : other; });
    return i;
  }
  template <class F>
  void for_each_outside(F f) {
    for (ProgramResult& r : p_.results) f(r.value);
    for (ValueId& v : p_.next) f(v);
    for (Instruction& i : p_.after)
      for (ValueId& v : i.inputs) f(v);
  }
  // The copy of v, which becomes v.
  Instruction copied(ValueId& v) {
    const TensorType type = p_.type(v);
    const Standing standing = p_.is_fixed(v) ? Standing::fixed : Standing::sequence;
    const ValueId from = std::exchange(v, p_.add_value(standing, type));
    return {&cast_op, {{"dtype", static_cast<int64_t>(type.dtype)}}, {from}, {v}};
  }

  Program p_;
  ValueSet taken_;  // it has a place of its own, or is a part already
  ValueSet made_;   // by an elementwise op of the loop
};

}  // namespace

Program own_parts(Program p) { return Parts(std::move(p)).run(); }

}  // namespace tempo
