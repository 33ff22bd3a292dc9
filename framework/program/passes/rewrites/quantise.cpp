// SPDX-License-Identifier: Apache-2.0
// Marks products with weights to run in int8: the plan then packs their right sides in that form. A
// loop within the step is marked, too.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"
#include "program/verify.hpp"
#include "tensor/products/int8.hpp"

namespace tempo {

namespace {

class Quantise {
 public:
  explicit Quantise(Program p) : p_(std::move(p)) {
    for (ValueId v : p_.fixed)
      if (!p_[v].name.empty()) weights_.insert(v);
  }

  Program run() {
    for (Instruction& i : std::exchange(p_.loop, {})) {
      if (of_weights(i)) weights_.insert(i.outputs);
      if (i.op->loops) i.attributes.set(runs_in_int8, Attributes::Handle());
      if (is_for_int8(i))
        write(std::move(i));
      else
        p_.loop.push_back(std::move(i));
    }
    return std::move(p_);
  }

 private:
  // Whether the result is the same at every step and in every call: made from weights alone.
  bool of_weights(const Instruction& i) const {
    return p_.is_fixed(i) && std::all_of(i.inputs.begin(), i.inputs.end(),
                                         [this](ValueId v) { return weights_.contains(v); });
  }
  bool is_for_int8(const Instruction& i) const {
    const bool of_blocks = i.is(block_matmul_op);
    if ((!i.is(matmul_op) && !of_blocks) || i.summed || i.is_set("transpose_a") || p_.is_fixed(i))
      return false;
    const TensorType& right = p_.type(i.inputs[1]);
    const int64_t k = p_.shape(i.inputs[0]).back();
    return weights_.contains(i.inputs[1]) && right.dtype == float32 &&
           right.shape.rank() == (of_blocks ? 3 : 2) && k <= longest_int8_sum;
  }

  // Writes a product of a matrix or of blocks; further axes of rows are flattened.
  void write(Instruction i) {
    i.attributes.set(runs_in_int8, int64_t{1});
    const Shape left = p_.shape(i.inputs[0]);
    if (left.rank() == 2 || i.is(block_matmul_op)) return p_.loop.push_back(std::move(i));
    const ValueId rows = reshaped(p_, i.inputs[0], {rows_of(left), left.back()});
    const ValueId product = append(p_, p_.loop, matmul_op, i.attributes, {rows, i.inputs[1]})[0];
    reshaped(p_, product, p_.shape(i.outputs[0]));
    p_.loop.back().outputs = i.outputs;
  }

  Program p_;
  ValueSet weights_;
};

}  // namespace

Program quantise(Program p) {
  verify_all_in_loop(p, "quantise");
  return Quantise(std::move(p)).run();
}

}  // namespace tempo
