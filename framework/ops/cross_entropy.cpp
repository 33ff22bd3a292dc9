// SPDX-License-Identifier: Apache-2.0
// Cross-entropy of logits and class numbers as a single op: as a composition it would make six
// passes over what is often the largest array of a model.
#include "tensor/kernels/cross_entropy.hpp"

#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "ops/types.hpp"

namespace tempo {
namespace {

void require_rows_with_labels(const TypeCall& call) {
  const TensorType &logits = call.inputs[0], &labels = call.inputs[1];
  require(Accepts::floating, logits.dtype);
  require(Accepts::integer, labels.dtype);
  const Shape& s = logits.shape;
  if (s.rank() == 0 || Shape(s.begin(), s.end() - 1) != labels.shape)
    throw ShapeError(
        "one label is needed for each row\n  The shape of b must be that of a without "
        "its last axis.");
}

Tensor slope(const Tensor& logits, const Tensor& labels, const Tensor& weights) {
  static const sdk::Op op("cross_entropy_slope");
  return op({logits.handle(), labels.handle(), weights.handle()});
}

// y = ln(sum(e^a)) - a[b]      da = dy (softmax(a) - one_hot(b))
const auto& cross_entropy_op = define({
    .name = "cross_entropy",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 2);
          require_rows_with_labels(call);
          return std::vector<TensorType>{{call.inputs[0].dtype, call.inputs[1].shape}};
        },
    .kernel = cross_entropy_kernel(),
    .vjp = {[](const Vjp& v) { return slope(v.a(), v.b(), v.dy()); }},
    .leading_axis = LeadingAxis::all,
    .mask = masks::leading,
});

// da = c p (dy - sum(dy p)), p = softmax(a)
Tensor slope_to_logits(const Vjp& v) {
  const Tensor p = softmax(v.a());
  return expand_dims(v.c(), -1) * p * (v.dy() - sum(v.dy() * p, -1, true));
}

// y = c (softmax(a) - one_hot(b))        dc = sum(dy (softmax(a) - one_hot(b)))
const auto& cross_entropy_slope_op = define({
    .name = "cross_entropy_slope",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 3);
          require_rows_with_labels(call);
          require_same_dtype(call.inputs[0].dtype, call.inputs[2].dtype);
          if (call.inputs[2].shape != call.inputs[1].shape)
            throw ShapeError("one weight is needed for each row\n  c must have the shape of b.");
          return std::vector<TensorType>{call.inputs[0]};
        },
    .kernel = cross_entropy_slope_kernel(),
    .vjp = {slope_to_logits,
            {},
            [](const Vjp& v) { return sum(v.dy() * slope(v.a(), v.b(), ones_like(v.c())), -1); }},
    .leading_axis = LeadingAxis::all,
});

}  // namespace
}  // namespace tempo
