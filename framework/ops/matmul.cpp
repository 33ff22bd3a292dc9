// SPDX-License-Identifier: Apache-2.0
// Matrix products. x^T is x with its last two axes swapped. The gradients of a b, a^T b, a b^T and
// a^T b^T are products again.
#include "tensor/products/matmul.hpp"

#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "ops/known.hpp"
#include "ops/types.hpp"

namespace tempo {
namespace {

bool flag(const Attributes& attributes, const char* name) {
  return attributes.integer(name, 0) != 0;
}

[[noreturn]] void explain(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b) {
  if (a.rank() < 2 || b.rank() < 2)
    throw ShapeError("needs two axes or more\n  expand_dims(x, 0) makes a row of a vector.");
  const auto place = [](bool last) { return last ? "last axis of " : "second to last axis of "; };
  const int64_t inner_a = a[transpose_a ? -2 : -1], inner_b = b[transpose_b ? -1 : -2];
  if (inner_a != inner_b)
    throw ShapeError(std::string("inner sizes differ\n  The ") + place(!transpose_a) + "a (" +
                     std::to_string(inner_a) + ") must equal the " + place(transpose_b) + "b (" +
                     std::to_string(inner_b) + ").");
  throw ShapeError(
      "leading axes do not broadcast\n  All axes but the last two must be equal, or 1.");
}

std::vector<TensorType> matmul_type(const TypeCall& call) {
  require_inputs(call, 2);
  const TensorType &a = call.inputs[0], &b = call.inputs[1];
  require_same_dtype(a.dtype, b.dtype);
  require(Accepts::floating, a.dtype);
  const bool transpose_a = flag(call.attributes, "transpose_a");
  const bool transpose_b = flag(call.attributes, "transpose_b");
  const auto shape = matmul_shape(a.shape, b.shape, transpose_a, transpose_b);
  if (!shape) explain(a.shape, b.shape, transpose_a, transpose_b);
  return {{a.dtype, *shape}};
}

// da = dy b^T; for a^T: b dy^T
Tensor matmul_to_a(const Vjp& v) {
  const bool transpose_a = flag(v.attributes(), "transpose_a");
  const bool transpose_b = flag(v.attributes(), "transpose_b");
  return transpose_a ? matmul(v.b(), v.dy(), transpose_b, true)
                     : matmul(v.dy(), v.b(), false, !transpose_b);
}

// [..., m, k] as [rows, k]: all rows in one matrix.
Tensor rows_of(const Tensor& x) {
  const Shape& s = x.shape();
  return reshape(x, {Shape(s.begin(), s.end() - 1).count(), s.back()});
}

// db = a^T dy; for b^T: dy^T a
Tensor matmul_to_b(const Vjp& v) {
  const bool transpose_a = flag(v.attributes(), "transpose_a");
  const bool transpose_b = flag(v.attributes(), "transpose_b");
  Tensor a = v.a(), dy = v.dy();
  if (v.b().rank() == 2 && a.rank() > 2 && !transpose_a) {  // one product, not a sum of many
    a = rows_of(a);
    dy = rows_of(dy);
  }
  return transpose_b ? matmul(dy, a, true, transpose_a) : matmul(a, dy, !transpose_a, false);
}

// y = a b
const auto& defined_matmul = define(matmul_op, {
                                                   .name = "matmul",
                                                   .type = matmul_type,
                                                   .kernel = matmul_kernel(),
                                                   .vjp = {matmul_to_a, matmul_to_b},
                                                   .leading_axis = LeadingAxis::broadcast,
                                                   .summed = summed_matmul_kernel(),
                                                   .mask = masks::of_rows,
                                               });

}  // namespace
}  // namespace tempo
