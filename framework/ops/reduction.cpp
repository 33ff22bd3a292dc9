// SPDX-License-Identifier: Apache-2.0
// Ops that fold axes away, and cumulative sums.
#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "ops/known.hpp"
#include "ops/types.hpp"
#include "tensor/kernels/reduce.hpp"

namespace tempo {
namespace {

std::vector<TensorType> reduced(const TypeCall& call) {
  require_inputs(call, 1);
  const TensorType& a = call.inputs[0];
  require(Accepts::numeric, a.dtype);
  const std::vector<int64_t>& axes = call.attributes.list("axes");
  require_axes(axes, a.shape);
  return {{a.dtype, reduced_shape(a.shape, axes, call.attributes.integer("keepdims", 0) != 0)}};
}

// A result of this reduction (or its gradient) with folded axes kept at extent 1, so that it
// broadcasts against the input.
Tensor kept(const Vjp& v, const Tensor& result) {
  if (v.attributes().integer("keepdims", 0)) return result;
  return reshape(result, reduced_shape(v.a().shape(), v.attributes().list("axes"), true));
}

// y = the sum                  da = dy, repeated
const auto& defined_sum = define(
    sum_op, {
                .name = "sum",
                .type = reduced,
                .kernel = sum_kernel(),
                .vjp = {[](const Vjp& v) { return broadcast_to(kept(v, v.dy()), v.a().shape()); }},
                .leading_axis = LeadingAxis::all,
                .linear = true,
                .mask = masks::of_features,
            });

// da = dy where a is the extreme element; several share it equally
Tensor to_the_extreme(const Vjp& v) {
  static const sdk::Op sum("sum");
  const Tensor is_extreme = equal(v.a(), kept(v, v.y()));
  const Tensor ties = sum(cast(is_extreme, v.a().dtype()),
                          {{"axes", v.attributes().list("axes")}, {"keepdims", true}});
  return where(is_extreme, kept(v, v.dy()) / ties, 0);
}

// y = the largest
const auto& max_op = define({
    .name = "max",
    .type = reduced,
    .kernel = max_kernel(),
    .vjp = {to_the_extreme},
    .leading_axis = LeadingAxis::all,
    .mask = masks::of_features,
});

// y = the smallest
const auto& min_op = define({
    .name = "min",
    .type = reduced,
    .kernel = min_kernel(),
    .vjp = {to_the_extreme},
    .leading_axis = LeadingAxis::all,
    .mask = masks::of_features,
});

// y = the index of the largest along an axis
const auto& argmax_op = define({
    .name = "argmax",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 1);
          require(Accepts::numeric, call.inputs[0].dtype);
          const int64_t axis = call.attributes.integer("axis");
          require_axis(axis, call.inputs[0].shape);
          return std::vector<TensorType>{
              {int64, reduced_shape(call.inputs[0].shape, {axis}, false)}};
        },
    .kernel = argmax_kernel(),
    .leading_axis = LeadingAxis::all,
    .mask = masks::of_features,
});

// y_t = a_0 + ... + a_t        da_t = dy_t + dy_(t+1) + ...
const auto& cumsum_op = define({
    .name = "cumsum",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 1);
          require(Accepts::numeric, call.inputs[0].dtype);
          require_axis(call.attributes.integer("axis"), call.inputs[0].shape);
          return std::vector{call.inputs[0]};
        },
    .kernel = cumsum_kernel(),
    .vjp = {[](const Vjp& v) {
      return cumsum(v.dy(), static_cast<int>(v.attributes().integer("axis")),
                    !v.attributes().integer("reverse", 0));
    }},
    .leading_axis = LeadingAxis::all,
    .mask = masks::elementwise,
});

}  // namespace
}  // namespace tempo
