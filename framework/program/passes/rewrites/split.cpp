// SPDX-License-Identifier: Apache-2.0
// [x, h] W becomes x Wx + h Wh: the product of the input does not read the state, so it can be
// hoisted.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

class Split {
 public:
  explicit Split(Program p) : given_(std::move(p)), uses_(given_), p_(given_) { p_.loop.clear(); }

  Program run() {
    for (const Instruction& i : given_.loop)
      if (const Instruction* columns = concatenation(i))
        split(columns->inputs, i);
      else
        p_.loop.push_back(i);
    return without_dead(std::move(p_));
  }

 private:
  // The concatenation of columns that a product with a fixed right side reads, if some of the
  // columns come from the state and others do not.
  const Instruction* concatenation(const Instruction& i) const {
    if (!i.is(matmul_op) || i.is_set("transpose_a") || !p_.is_fixed(i.inputs[1]) ||
        p_.shape(i.inputs[1]).rank() != 2)
      return nullptr;
    const Instruction* made = uses_.maker(i.inputs[0]);
    if (!made || !made->is(concat_op) || made->attributes.integer("axis") != -1) return nullptr;
    const auto reads_state = [this](ValueId v) { return uses_.reads_state(v); };
    const ValueIds& columns = made->inputs;
    return std::any_of(columns.begin(), columns.end(), reads_state) &&
                   !std::all_of(columns.begin(), columns.end(), reads_state)
               ? made
               : nullptr;
  }

  void split(const ValueIds& columns, const Instruction& product) {
    const int64_t axis = product.is_set("transpose_b") ? -1 : -2;
    int64_t begin = 0;
    std::optional<ValueId> sum;
    for (ValueId v : columns) {
      const int64_t end = begin + p_.shape(v).back();
      const ValueId rows =
          append(p_, p_.loop, slice_op, {{"axis", axis}, {"begin", begin}, {"end", end}},
                 {product.inputs[1]})[0];
      const ValueId part = append(p_, p_.loop, matmul_op, product.attributes, {v, rows})[0];
      sum = sum ? append(p_, p_.loop, add_op, {}, {*sum, part})[0] : part;
      begin = end;
    }
    p_.loop.back().outputs = product.outputs;
  }

  const Program given_;
  const Uses uses_;
  Program p_;
};

}  // namespace

Program split(Program p) { return Split(std::move(p)).run(); }

}  // namespace tempo
