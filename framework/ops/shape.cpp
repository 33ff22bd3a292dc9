// SPDX-License-Identifier: Apache-2.0
// Ops that change the shape of a tensor: reshape, broadcasting and its inverse, transpose.
#include <algorithm>

#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "ops/known.hpp"
#include "ops/types.hpp"
#include "tensor/kernels/movement.hpp"
#include "tensor/kernels/reduce.hpp"
#include "tensor/strides.hpp"

namespace tempo {
namespace {

// The requested shape, with its one -1 computed.
Shape reshaped(const TensorType& a, Shape to) {
  int64_t known = 1;
  bool too_many = false;
  int64_t* unknown = nullptr;
  for (int64_t& extent : to) {
    if (extent < -1 || (extent == -1 && unknown))
      throw ShapeError("cannot become " + to_string(to) +
                       "\n  Extents are at least 0; one of them may be -1.");
    if (extent == -1) {
      unknown = &extent;
    } else {
      too_many |= __builtin_mul_overflow(known, extent, &known);
    }
  }
  const int64_t count = a.shape.count();
  if (std::find(to.begin(), to.end(), 0) != to.end()) {
    known = 0;
    too_many = false;
  }
  if (unknown && !too_many && (known == 0 ? count == 0 : count % known == 0))
    *unknown = known ? count / known : 0;
  if (too_many || (unknown ? *unknown < 0 : known != count))
    throw ShapeError("counts differ\n  " + to_string(a.shape) + " has " + std::to_string(count) +
                     " elements, which do not make " + to_string(to) + ".");
  return to;
}

// y = a in another shape       da = dy in the shape of a
const auto& defined_reshape =
    define(reshape_op, {
                           .name = "reshape",
                           .type =
                               [](const TypeCall& call) {
                                 require_inputs(call, 1);
                                 const TensorType& a = call.inputs[0];
                                 return std::vector<TensorType>{
                                     {a.dtype, reshaped(a, Shape(call.attributes.list("shape")))}};
                               },
                           .vjp = {[](const Vjp& v) { return reshape(v.dy(), v.a().shape()); }},
                           .rearranges = true,
                           .linear = true,
                           .cheap = true,
                           .mask = masks::reshaped,
                       });

void require_broadcasts(const Shape& from, const Shape& to) {
  const Shape shapes[] = {from, to};
  const std::optional<Shape> both = broadcast_shapes(shapes);
  if (!both || *both != to)
    throw ShapeError(to_string(from) + " does not broadcast to " + to_string(to) +
                     "\n  Aligned at the last axis, each extent must be equal, or 1 in the first.");
}

// y = a, repeated              da = dy, summed over the repetitions (by the walk)
const auto& defined_broadcast_to =
    define(broadcast_to_op, {
                                .name = "broadcast_to",
                                .type =
                                    [](const TypeCall& call) {
                                      require_inputs(call, 1);
                                      const Shape to(call.attributes.list("shape"));
                                      require_broadcasts(call.inputs[0].shape, to);
                                      return std::vector<TensorType>{{call.inputs[0].dtype, to}};
                                    },
                                .kernel = broadcast_kernel(),
                                .vjp = {[](const Vjp& v) { return v.dy(); }},
                                .linear = true,
                                .cheap = true,
                                .mask = masks::elementwise,
                            });

// y = a, summed over the axes that broadcasting repeated  da = dy, repeated
const auto& defined_sum_to = define(
    sum_to_op,
    {
        .name = "sum_to",
        .type =
            [](const TypeCall& call) {
              require_inputs(call, 1);
              require(Accepts::numeric, call.inputs[0].dtype);
              const Shape to(call.attributes.list("shape"));
              require_broadcasts(to, call.inputs[0].shape);
              return std::vector<TensorType>{{call.inputs[0].dtype, to}};
            },
        .kernel = sum_to_kernel(),
        .vjp = {[](const Vjp& v) { return broadcast_to(v.dy(), v.a().shape()); }},
        .linear = true,
        .summed = [](const KernelCall& call) { add_sum_to(call.inputs[0], call.outputs[0]); },
    });

std::vector<TensorType> transpose_type(const TypeCall& call) {
  require_inputs(call, 1);
  const TensorType& a = call.inputs[0];
  const std::vector<int64_t>& permutation = call.attributes.list("permutation");
  std::vector<int> seen;
  Shape shape;
  for (int64_t axis : permutation) {
    seen.push_back(require_axis(axis, a.shape));
    shape.push_back(a.shape[seen.back()]);
  }
  std::sort(seen.begin(), seen.end());
  const bool twice = std::adjacent_find(seen.begin(), seen.end()) != seen.end();
  if (twice || shape.rank() != a.shape.rank())
    throw ShapeError("the permutation must name every axis once");
  return {{a.dtype, shape}};
}

Axes inverse(const std::vector<int64_t>& permutation) {
  const auto rank = static_cast<int64_t>(permutation.size());
  Axes axes(permutation.size());
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t axis = permutation[static_cast<std::size_t>(i)];
    axes[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)] = static_cast<int>(i);
  }
  return axes;
}

// y = a with its axes permuted                           da = dy with them permuted back
const auto& defined_transpose = define(
    transpose_op, {
                      .name = "transpose",
                      .type = transpose_type,
                      .kernel = transpose_kernel(),
                      .vjp = {[](const Vjp& v) {
                        return transpose(v.dy(), inverse(v.attributes().list("permutation")));
                      }},
                      .linear = true,
                      .mask = masks::permuted,
                  });

}  // namespace
}  // namespace tempo
