// SPDX-License-Identifier: Apache-2.0
// Decompositions of matrices, without gradients.
#include "tensor/kernels/linear_algebra.hpp"

#include "ops/types.hpp"

namespace tempo {
namespace {

// y = Q of a = Q R, with the diagonal of R positive
const auto& orthogonal_op = define({
    .name = "orthogonal",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 1);
          const TensorType& a = call.inputs[0];
          require(Accepts::floating, a.dtype);
          if (a.shape.rank() != 2 || a.shape[0] < a.shape[1])
            throw ShapeError("needs a matrix with at least as many rows as columns");
          return std::vector{a};
        },
    .kernel = orthogonal_kernel(),
});

// y = the w with the smallest |a w - b|
const auto& least_squares_op = define({
    .name = "least_squares",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 2);
          const TensorType &a = call.inputs[0], &b = call.inputs[1];
          require(Accepts::floating, a.dtype);
          require_same_dtype(a.dtype, b.dtype);
          if (a.shape.rank() != 2 || b.shape.rank() != 2 || a.shape[0] != b.shape[0])
            throw ShapeError("needs matrices a [n, k] and b [n, m]");
          return std::vector{TensorType{a.dtype, {a.shape[1], b.shape[1]}}};
        },
    .kernel = least_squares_kernel(),
});

}  // namespace
}  // namespace tempo
