// SPDX-License-Identifier: Apache-2.0
// Decompositions, for initializers: without gradients.
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

}  // namespace
}  // namespace tempo
