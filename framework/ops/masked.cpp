// SPDX-License-Identifier: Apache-2.0
// Ops by which recurrences apply a mask.
#include "tensor/kernels/masked.hpp"

#include "ops/types.hpp"

namespace tempo {
namespace {

std::vector<TensorType> sequence_and_mask(const TypeCall& call) {
  require_inputs(call, 2);
  const TensorType &x = call.inputs[0], &mask = call.inputs[1];
  if (x.shape.rank() < 2 || !(mask == TensorType{bool_, {x.shape[0], x.shape[1]}}))
    throw ShapeError(
        "the mask does not fit\n  It must be bool [batch, time] for a sequence "
        "[batch, time, ...].");
  return {x, mask};
}

// y = b, and also true at the steps of a that hold only moderate numbers
const auto& usable_steps_op = define({
    .name = "usable_steps",
    .type =
        [](const TypeCall& call) {
          const std::vector<TensorType> both = sequence_and_mask(call);
          require(Accepts::floating, both[0].dtype);
          return std::vector{both[1]};
        },
    .kernel = usable_steps_kernel(),
});

// y = a at the steps that b counts, elsewhere 0 or a borrowed step without a gradient
//                              da = dy at the steps that b counts, elsewhere 0
const auto& counted_steps_op = define({
    .name = "counted_steps",
    .type = [](const TypeCall& call) { return std::vector{sequence_and_mask(call)[0]}; },
    .kernel = counted_steps_kernel(),
    .vjp = {[](const Vjp& v) {
      static const sdk::Op counted_steps("counted_steps");
      return counted_steps(v.dy(), v.b(), {{"borrow", 0}});
    }},
});

// y = a    da = dy, but 0 at steps that b does not count if dy has a number there that is not
// moderate
const auto& usable_gradient_op = define({
    .name = "usable_gradient",
    .type = [](const TypeCall& call) { return std::vector{sequence_and_mask(call)[0]}; },
    .vjp = {[](const Vjp& v) {
      static const sdk::Op usable_steps("usable_steps"), counted_steps("counted_steps");
      return counted_steps(v.dy(), usable_steps(v.dy(), v.b()), {{"borrow", 0}});
    }},
});

// The type of x [batch, m, rest...] with other steps; the mask is [batch, time], m <= time.
TensorType with_steps(const TypeCall& call, std::optional<int64_t> steps) {
  require_inputs(call, 2);
  const TensorType &x = call.inputs[0], &mask = call.inputs[1];
  const bool fits = x.shape.rank() >= 2 && mask.dtype == bool_ && mask.shape.rank() == 2 &&
                    mask.shape[0] == x.shape[0] && x.shape[1] <= mask.shape[1];
  if (!fits || (steps && (*steps > mask.shape[1] || x.shape[1] != mask.shape[1])))
    throw ShapeError(
        "the mask does not fit\n  It must be bool [batch, time], of as many steps as the sequence "
        "[batch, steps, ...] has, or more.");
  Shape shape = x.shape;
  shape[1] = steps.value_or(mask.shape[1]);
  return {x.dtype, shape};
}

Tensor transposed(const char* name, const Vjp& v, int64_t steps) {
  return sdk::Op(name)(v.dy(), v.b(),
                       {{"reverse", v.attributes().integer("reverse")}, {"steps", steps}});
}

// y = a at the steps that b counts, elsewhere a at the last counted step before
//                              da = dy, summed over the steps that repeat each step of a
const auto& held_steps_op = define({
    .name = "held_steps",
    .type = [](const TypeCall& call) { return std::vector{with_steps(call, {})}; },
    .kernel = held_steps_kernel(),
    .vjp = {[](const Vjp& v) { return transposed("added_steps", v, v.a().shape()[1]); }},
});

// y = a, summed over the steps that held_steps repeats  da = dy at the steps that b counts, ...
const auto& added_steps_op = define({
    .name = "added_steps",
    .type =
        [](const TypeCall& call) {
          return std::vector{with_steps(call, call.attributes.integer("steps"))};
        },
    .kernel = added_steps_kernel(),
    .vjp = {[](const Vjp& v) { return transposed("held_steps", v, 0); }},
});

}  // namespace
}  // namespace tempo
