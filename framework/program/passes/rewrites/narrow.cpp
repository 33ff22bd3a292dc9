// SPDX-License-Identifier: Apache-2.0
// A value that is repeated to more columns stays narrow: a mean that is subtracted from a row, for
// example, is one column for all elementwise ops.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/value_set.hpp"

namespace tempo {

namespace {

class Narrow {
 public:
  explicit Narrow(Program p) : p_(std::move(p)), narrow_(p_) {}

  Program run() {
    for (Instruction& i : std::exchange(p_.loop, {})) add(std::move(i));
    return without_dead(std::move(p_));
  }

 private:
  void add(Instruction i) {
    if (i.is(broadcast_to_op))
      narrow_[i.outputs[0]] = narrowest(i.inputs[0]);
    else if (i.op->pointwise && i.outputs.size() == 1)
      return add_pointwise(std::move(i));
    p_.loop.push_back(std::move(i));
  }

  // Applies the op to the narrow operands; if all are narrow, so is the result.
  void add_pointwise(Instruction i) {
    std::vector<TensorType> types;
    for (ValueId& v : i.inputs) {
      v = narrowest(v);
      types.push_back(p_.type(v));
    }
    const ValueId whole = i.outputs[0];
    if (i.op->type({types, i.attributes, 1})[0] == p_.type(whole))
      return p_.loop.push_back(std::move(i));
    const ValueId narrow = append(p_, p_.loop, *i.op, i.attributes, i.inputs)[0];
    narrow_[whole] = narrow;
    p_.loop.push_back({&broadcast_to_op, shape_attribute(p_.shape(whole)), {narrow}, {whole}});
  }

  ValueId narrowest(ValueId v) const { return narrow_[v].value_or(v); }

  Program p_;
  ValueTable<std::optional<ValueId>> narrow_;  // the narrow value that it repeats
};

}  // namespace

Program narrow(Program p) { return Narrow(std::move(p)).run(); }

}  // namespace tempo
