// SPDX-License-Identifier: Apache-2.0
// Products with block-diagonal matrices, which are stored as their blocks. The compiler makes them
// from batched products with a fixed right side. Neither they nor their gradients need a transpose
// in memory.
#include "tensor/products/blocks.hpp"

#include <tempo/tensor.hpp>

#include "ops/known.hpp"
#include "ops/types.hpp"

namespace tempo {
namespace {

bool is_turned(const Attributes& attributes) { return attributes.integer("transpose_b", 0) != 0; }

Tensor block_matmul(const Tensor& a, const Tensor& b, bool transpose_b) {
  static const sdk::Op op("block_matmul");
  return op(a, b, {{"transpose_b", transpose_b}});
}
Tensor block_outer(const Tensor& a, const Tensor& b) {
  static const sdk::Op op("block_outer");
  return op(a, b);
}

void require_blocks(const TypeCall& call) {
  require_inputs(call, 2);
  require_same_dtype(call.inputs[0].dtype, call.inputs[1].dtype);
  require(Accepts::floating, call.inputs[0].dtype);
  if (call.inputs[0].shape.rank() < 2)
    throw ShapeError("needs an axis of blocks and one within a block");
}

std::vector<TensorType> block_matmul_type(const TypeCall& call) {
  require_blocks(call);
  const Shape &a = call.inputs[0].shape, &b = call.inputs[1].shape;
  const bool turned = is_turned(call.attributes);
  if (b.rank() != 3 || a[-2] != b[0] || a[-1] != b[turned ? 2 : 1])
    throw ShapeError("blocks differ\n  a is [..., blocks, k] and b [blocks, " +
                     std::string(turned ? "n, k]." : "k, n]."));
  Shape out = a;
  out[-1] = b[turned ? 1 : 2];
  return {{call.inputs[0].dtype, out}};
}

std::vector<TensorType> block_outer_type(const TypeCall& call) {
  require_blocks(call);
  const Shape &a = call.inputs[0].shape, &b = call.inputs[1].shape;
  if (a.rank() != b.rank() || !std::equal(a.begin(), a.end() - 1, b.begin()))
    throw ShapeError("rows or blocks differ\n  a is [..., blocks, k] and b [..., blocks, n].");
  return {{call.inputs[0].dtype, {a[-2], a[-1], b[-1]}}};
}

// y = a b, for each block      da = dy b^T, db = a^T dy; for b^T: db = dy^T a
const auto& defined_block_matmul = define(
    block_matmul_op, {
                         .name = "block_matmul",
                         .type = block_matmul_type,
                         .kernel = block_matmul_kernel(),
                         .vjp = {[](const Vjp& v) {
                                   return block_matmul(v.dy(), v.b(), !is_turned(v.attributes()));
                                 },
                                 [](const Vjp& v) {
                                   return is_turned(v.attributes()) ? block_outer(v.dy(), v.a())
                                                                    : block_outer(v.a(), v.dy());
                                 }},
                         .leading_axis = LeadingAxis::broadcast,
                     });

// y = a^T b, for each block    da = b dy^T, db = a dy
const auto& defined_block_outer = define(
    block_outer_op, {
                        .name = "block_outer",
                        .type = block_outer_type,
                        .kernel = block_outer_kernel(),
                        .vjp = {[](const Vjp& v) { return block_matmul(v.b(), v.dy(), true); },
                                [](const Vjp& v) { return block_matmul(v.a(), v.dy(), false); }},
                        .summed = summed_block_outer_kernel(),
                    });

}  // namespace
}  // namespace tempo
