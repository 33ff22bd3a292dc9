// SPDX-License-Identifier: Apache-2.0
// Drops a condition that holds for everything that is computed.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"
#include "program/verify.hpp"

namespace tempo {

namespace {

class Holding {
 public:
  Holding(Program p, ValueId condition) : p_(std::move(p)), conditions_({condition}), instead_(p_) {
    for (const ProgramResult& r : p_.results) results_.insert(r.value);
  }

  Program run() {
    for (Instruction& i : p_.loop) {
      for (ValueId& v : i.inputs) v = instead(v);
      if (i.is(reshape_op) && conditions_.contains(i.inputs[0])) conditions_.insert(i.outputs);
      instead_[i.outputs[0]] = same_as(i);
      made_.insert(i.outputs);
      if (makes_zeros(i)) write_zeros(i);
    }
    for (ValueId& v : p_.next) v = instead_made(v);
    for (ProgramResult& r : p_.results) r.value = instead_made(r.value);
    settle_roles(p_);  // values computed from zeros alone are now fixed, too
    drop_dead();
    return std::move(p_);
  }

 private:
  ValueId instead(ValueId v) const { return instead_[v].value_or(v); }
  // A state or a result must be a value that the loop makes.
  ValueId instead_made(ValueId v) const {
    const ValueId other = instead(v);
    return made_.contains(other) && !p_.is_fixed(other) ? other : v;
  }
  // Along rows only: on another axis the condition is that of other rows, which may have ended.
  bool chooses(const Instruction& i) const {
    if (!i.is(where_op) || !conditions_.contains(i.inputs[0])) return false;
    const Shape &condition = p_.shape(i.inputs[0]), &out = p_.shape(i.outputs[0]);
    return condition.rank() == out.rank() && condition[0] == condition.count() &&
           condition[0] == out[0];
  }

  // The value of which the instruction's result is a copy, if any.
  std::optional<ValueId> same_as(const Instruction& i) const {
    const auto same_type = [&](ValueId v) { return p_.type(v) == p_.type(i.outputs[0]); };
    if (chooses(i) && same_type(i.inputs[1])) return i.inputs[1];
    if (i.is(add_op))
      for (std::size_t side : {0u, 1u})
        if (zeros_.contains(i.inputs[side]) && same_type(i.inputs[1 - side]))
          return i.inputs[1 - side];
    return {};
  }

  // Zeros, such as the gradients of the branch that the condition never chooses.
  bool makes_zeros(const Instruction& i) const {
    if (i.is(fill_op)) return i.attributes.real("value") == 0;
    return chooses(i) && zeros_.contains(i.inputs[1]) && !results_.contains(i.outputs[0]);
  }
  void write_zeros(Instruction& i) {
    const ValueId made = i.outputs[0];
    const Shape& shape = p_.shape(made);
    i.op = &fill_op;
    i.attributes = {{"shape", std::vector<int64_t>(shape.begin(), shape.end())},
                    {"value", 0.0},
                    {"dtype", static_cast<int64_t>(p_.type(made).dtype)}};
    i.inputs = {};
    p_[made].role = Role::fixed;
    zeros_.insert(made);
  }

  // A state that nothing reads any more still carries its last value.
  void drop_dead() {
    ValueSet live(p_.next);
    for (const ProgramResult& r : p_.results) live.insert(r.value);
    live = needed_for(p_.loop, std::move(live));
    std::erase_if(p_.loop, [&](const Instruction& i) { return !live.contains_any(i.outputs); });
  }

  Program p_;
  ValueSet conditions_;  // the condition, and its reshaped copies
  ValueTable<std::optional<ValueId>> instead_;
  ValueSet made_, zeros_, results_;
};

}  // namespace

Program without_condition(Program p, ValueId holds) {
  verify_all_in_loop(p, "without_condition");
  return Holding(std::move(p), holds).run();
}

}  // namespace tempo
