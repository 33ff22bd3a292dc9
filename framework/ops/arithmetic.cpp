// SPDX-License-Identifier: Apache-2.0
// Arithmetic of two broadcast tensors, and `where`. Gradients have the broadcast shape: the reverse
// walk sums them to the shape of the input.
#include <tempo/ops.hpp>

#include "ops/known.hpp"
#include "ops/types.hpp"
#include "tensor/kernels/pointwise.hpp"

namespace tempo {
namespace {

// y = a + b                    da = dy, db = dy
const auto& defined_add = define(
    add_op, {
                .name = "add",
                .type = broadcast(Accepts::numeric),
                .kernel = pointwise<Numeric>(wrapping([](auto a, auto b) { return a + b; })),
                .vjp = {[](const Vjp& v) { return v.dy(); }, [](const Vjp& v) { return v.dy(); }},
                .pointwise = true,
                .linear = true,
                .cheap = true,
            });

// y = a - b                    da = dy, db = -dy
const auto& defined_subtract =
    define(subtract_op,
           {
               .name = "subtract",
               .type = broadcast(Accepts::numeric),
               .kernel = pointwise<Numeric>(wrapping([](auto a, auto b) { return a - b; })),
               .vjp = {[](const Vjp& v) { return v.dy(); }, [](const Vjp& v) { return -v.dy(); }},
               .pointwise = true,
               .linear = true,
               .cheap = true,
           });

// y = a b                      da = dy b, db = dy a
const auto& defined_multiply = define(
    multiply_op, {
                     .name = "multiply",
                     .type = broadcast(Accepts::numeric),
                     .kernel = pointwise<Numeric>(wrapping([](auto a, auto b) { return a * b; })),
                     .vjp = {[](const Vjp& v) { return v.dy() * v.b(); },
                             [](const Vjp& v) { return v.dy() * v.a(); }},
                     .pointwise = true,
                     .cheap = true,
                 });

// y = a / b                    da = dy / b, db = -dy y / b
const auto& divide_op = define({
    .name = "divide",
    .type = broadcast(Accepts::floating),
    .kernel = pointwise([](auto a, auto b) { return a / b; }),
    .vjp = {[](const Vjp& v) { return v.dy() / v.b(); },
            [](const Vjp& v) { return -(v.dy() * v.y() / v.b()); }},
    .pointwise = true,
    .cheap = true,
});

// da = dy b a^(b-1); 0 * 0^-1 counts as 0
Tensor power_to_base(const Vjp& v) {
  const Tensor a = v.a(), b = v.b();
  const Tensor exponent = where(logical_and(equal(a, 0), equal(b, 0)), 1, b - 1);
  return v.dy() * b * pow(a, exponent);
}

// db = dy y ln a; the logarithm of numbers <= 0 counts as 0, and 0 ln a is 0 for any a
Tensor power_to_exponent(const Vjp& v) {
  const Tensor a = v.a();
  return v.dy() * v.y() * log(where(logical_and(a > 0, not_equal(v.y(), 0)), a, 1));
}

// y = a^b
const auto& pow_op = define({
    .name = "pow",
    .type = broadcast(Accepts::floating),
    .kernel = pointwise([](auto a, auto b) { return std::pow(a, b); }),
    .vjp = {power_to_base, power_to_exponent},
    .pointwise = true,
});

// y = a - b floor(a / b)       da = dy, db = -dy floor(a / b)
const auto& mod_op = define({
    .name = "mod",
    .type = broadcast(Accepts::floating),
    .kernel = pointwise([](auto a, auto b) {
      const auto rest = std::fmod(a, b);
      return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    }),
    .vjp = {[](const Vjp& v) { return v.dy(); },
            [](const Vjp& v) { return -(v.dy() * floor(v.a() / v.b())); }},
    .pointwise = true,
});

// y = the smaller; NaN wins    da = dy where a <= b, db = dy elsewhere; at a NaN both
const auto& minimum_op = define({
    .name = "minimum",
    .type = broadcast(Accepts::numeric),
    .kernel = pointwise<Numeric>([](auto a, auto b) { return a <= b || a != a ? a : b; }),
    .vjp = {[](const Vjp& v) { return where(v.a() > v.b(), 0, v.dy()); },
            [](const Vjp& v) { return where(v.a() <= v.b(), 0, v.dy()); }},
    .pointwise = true,
    .cheap = true,
});

// y = the greater; NaN wins    da = dy where a >= b, db = dy elsewhere; at a NaN both
const auto& maximum_op = define({
    .name = "maximum",
    .type = broadcast(Accepts::numeric),
    .kernel = pointwise<Numeric>([](auto a, auto b) { return a >= b || a != a ? a : b; }),
    .vjp = {[](const Vjp& v) { return where(v.a() < v.b(), 0, v.dy()); },
            [](const Vjp& v) { return where(v.a() >= v.b(), 0, v.dy()); }},
    .pointwise = true,
    .cheap = true,
});

std::vector<TensorType> where_type(const TypeCall& call) {
  require_inputs(call, 3);
  if (call.inputs[0].dtype != bool_)
    throw ShapeError(
        "the condition must be bool\n  A comparison (x > 0) or cast(x, bool_) makes it so.");
  require_same_dtype(call.inputs[1].dtype, call.inputs[2].dtype);
  const Shape shapes[] = {call.inputs[0].shape, call.inputs[1].shape, call.inputs[2].shape};
  return {{call.inputs[1].dtype, require_broadcast(shapes)}};
}

// y = b where a, else c        db = dy where a, dc = dy where not a
const auto& defined_where =
    define(where_op, {
                         .name = "where",
                         .type = where_type,
                         .kernel = where_kernel(),
                         .vjp = {{},
                                 [](const Vjp& v) { return where(v.a(), v.dy(), 0); },
                                 [](const Vjp& v) { return where(v.a(), 0, v.dy()); }},
                         .pointwise = true,
                         .cheap = true,
                     });

}  // namespace
}  // namespace tempo
