// SPDX-License-Identifier: Apache-2.0
// The scope of a call in int8, and the int8 product outside of recurrences.
#include "scan/int8/in_int8.hpp"

#include "graph/mask.hpp"
#include "graph/trace.hpp"
#include "ops/known.hpp"
#include "program/uses.hpp"
#include "tensor/products/int8.hpp"
#include "tensor/products/matmul.hpp"

namespace tempo {

namespace {

thread_local const InInt8* innermost = nullptr;

const PackedMatrix& packed_weight(const Attributes& attributes, const View& b, int64_t k,
                                  int64_t n) {
  const auto& kept = *static_cast<const KeptProducts*>(attributes.handle(runs_in_int8).get());
  const MatrixPart whole{b.data, b.shape()[1], attributes.integer("transpose_b", 0) != 0, k, n};
  return kept.get(1, packed_int8_bytes(k, n), [&](char* memory, PackedMatrix* matrix) {
    *matrix = pack_int8(k, n, {&whole, 1}, memory);
  })[0];
}

// y = a b for a weight b that is packed in int8
const OpDefinition& int8_matmul_op = define({
    .name = "int8_matmul",
    .type =
        [](const TypeCall& call) {
          return matmul_op.type({call.inputs, call.attributes, 1});
        },
    .kernel =
        [](const KernelCall& call) {
          const View &a = call.inputs[0], &y = call.outputs[0];
          const int64_t k = a.shape().back(), n = y.shape().back();
          multiply_rows(rows_of(a.shape()), a.data, k,
                        packed_weight(call.attributes, call.inputs[1], k, n), y.data, n);
        },
    .vjp_all = [](const Vjp&, const std::vector<bool>&) -> Tensors { no_gradient_in_int8(); },
    .mask = masks::of_rows,
});

}  // namespace

void no_gradient_in_int8() {
  throw Error(
      "gradient: a product in int8 has none; it is of quantised(model), which is for inference.\n"
      "  Train the model that this was made of: both have the same weights.");
}

InInt8::InInt8(Int8Weights& weights) : weights_(weights), innermost_(innermost, this) {}

const InInt8* InInt8::current() { return innermost; }

Int8Weights::Kept InInt8::products_of(const std::shared_ptr<const Executable>& runs,
                                      std::span<const Ref<Value>> inputs) const {
  std::vector<Array> arrays;
  for (std::size_t i : runs->surroundings().packs_inputs) arrays.push_back(inputs[i]->array);
  return weights_.of(runs, std::move(arrays));
}

std::vector<Ref<Value>> InInt8::product(const OpDefinition& op, std::span<const Ref<Value>> inputs,
                                        const Attributes& attributes) const {
  if (&op != &matmul_op || inputs.size() != 2 || Trace::current() ||
      attributes.integer("transpose_a", 0) != 0)
    return {};
  const TensorType &a = inputs[0]->type, &b = inputs[1]->type;
  const bool transposed = attributes.integer("transpose_b", 0) != 0;
  if (!inputs[1]->weight || a.dtype != float32 || b.dtype != float32 || b.shape.rank() != 2 ||
      a.shape.rank() < 2 || a.shape.back() != b.shape[transposed ? 1 : 0] ||
      a.shape.back() > longest_int8_sum)
    return {};
  Attributes with = attributes;
  const std::shared_ptr<const void> form(std::shared_ptr<const void>(),
                                         transposed ? &int8_matmul_op : &matmul_op);
  with.set(runs_in_int8, Attributes::Handle(weights_.of(form, {inputs[1]->array})));
  std::vector<Ref<Value>> operands(inputs.begin(), inputs.end());
  return apply(int8_matmul_op, std::move(operands), std::move(with), 1);
}

}  // namespace tempo
