// SPDX-License-Identifier: Apache-2.0
// Elementwise functions of one tensor. In a rule, a() is the input, y() the result, and dy() the
// incoming gradient.
#include "tensor/kernels/pointwise.hpp"

#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "ops/known.hpp"
#include "ops/types.hpp"
#include "tensor/kernels/math.hpp"

namespace tempo {
namespace {

// y = -a                       da = -dy
const auto& defined_negative =
    define(negative_op, {
                            .name = "negative",
                            .type = same_as_input(Accepts::numeric),
                            .kernel = pointwise<Numeric>(wrapping([](auto a) { return -a; })),
                            .vjp = {[](const Vjp& v) { return -v.dy(); }},
                            .pointwise = true,
                            .linear = true,
                            .cheap = true,
                        });

// y = e^a                      da = dy y
const auto& exp_op = define({
    .name = "exp",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](Math auto m, auto a) TEMPO_MATH { return m.exp(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() * v.y(); }},
    .pointwise = true,
});

// y = e^a - 1                  da = dy e^a
const auto& expm1_op = define({
    .name = "expm1",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](auto a) { return std::expm1(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() * exp(v.a()); }},
    .pointwise = true,
});

// y = ln a                     da = dy / a
const auto& log_op = define({
    .name = "log",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](Math auto m, auto a) TEMPO_MATH { return m.log(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() / v.a(); }},
    .pointwise = true,
});

// y = ln(1 + a)                da = dy / (1 + a)
const auto& log1p_op = define({
    .name = "log1p",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](auto a) { return std::log1p(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() / (1 + v.a()); }},
    .pointwise = true,
});

// y = a^(1/2)                  da = dy / (2 y)
const auto& sqrt_op = define({
    .name = "sqrt",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](auto a) { return std::sqrt(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() / (2 * v.y()); }},
    .pointwise = true,
    .cheap = true,
});

// y = a^2                      da = 2 dy a
const auto& defined_square =
    define(square_op, {
                          .name = "square",
                          .type = same_as_input(Accepts::numeric),
                          .kernel = pointwise<Numeric>(wrapping([](auto a) { return a * a; })),
                          .vjp = {[](const Vjp& v) { return 2 * v.dy() * v.a(); }},
                          .pointwise = true,
                          .cheap = true,
                      });

// y = |a|                      da = dy sign(a)
const auto& abs_op = define({
    .name = "abs",
    .type = same_as_input(Accepts::numeric),
    .kernel = pointwise<Numeric>([](auto a) {
      constexpr auto negative = wrapping([](auto x) { return -x; });
      return a < 0 ? negative(a) : a == 0 ? decltype(a){0} : a;
    }),
    .vjp = {[](const Vjp& v) { return v.dy() * sign(v.a()); }},
    .pointwise = true,
    .cheap = true,
});

// y = -1, 0 or 1               no gradient flows
const auto& sign_op = define({
    .name = "sign",
    .type = same_as_input(Accepts::numeric),
    .kernel = pointwise<Numeric>([](auto a) { return sign(a); }),
    .pointwise = true,
    .cheap = true,
});

// y = an integer near a        no gradient flows
OpDefinition to_integer(const char* name, Kernel kernel) {
  return {.name = name,
          .type = same_as_input(Accepts::numeric),
          .kernel = std::move(kernel),
          .pointwise = true,
          .cheap = true};
}
const auto& floor_op = define(to_integer("floor", pointwise<Numeric>([](auto a) {
                                           if constexpr (std::is_integral_v<decltype(a)>)
                                             return a;
                                           else
                                             return std::floor(a);
                                         })));
const auto& ceil_op = define(to_integer("ceil", pointwise<Numeric>([](auto a) {
                                          if constexpr (std::is_integral_v<decltype(a)>)
                                            return a;
                                          else
                                            return std::ceil(a);
                                        })));
const auto& round_op = define(to_integer("round", pointwise<Numeric>([](auto a) {
                                           if constexpr (std::is_integral_v<decltype(a)>)
                                             return a;
                                           else
                                             return std::nearbyint(a);
                                         })));

// y = sin a                    da = dy cos a
const auto& sin_op = define({
    .name = "sin",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](auto a) { return std::sin(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() * cos(v.a()); }},
    .pointwise = true,
});

// y = cos a                    da = -dy sin a
const auto& cos_op = define({
    .name = "cos",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](auto a) { return std::cos(a); }),
    .vjp = {[](const Vjp& v) { return -(v.dy() * sin(v.a())); }},
    .pointwise = true,
});

// y = tanh a                   da = dy (1 - y^2)
const auto& tanh_op = define({
    .name = "tanh",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](Math auto m, auto a) TEMPO_MATH { return m.tanh(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() * (1 - square(v.y())); }},
    .pointwise = true,
});

// y = 1 / (1 + e^-a)           da = dy y (1 - y)
const auto& sigmoid_op = define({
    .name = "sigmoid",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](Math auto m, auto a) TEMPO_MATH { return m.logistic(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() * v.y() * (1 - v.y()); }},
    .pointwise = true,
});

// y = max(a, 0)                da = dy where a > 0, and at a NaN
const auto& relu_op = define({
    .name = "relu",
    .type = same_as_input(Accepts::numeric),
    .kernel = pointwise<Numeric>([](auto a) { return a < 0 ? decltype(a){0} : a; }),
    .vjp = {[](const Vjp& v) { return where(v.a() <= 0, 0, v.dy()); }},
    .pointwise = true,
    .cheap = true,
});

// y = ln(1 + e^a)              da = dy / (1 + e^-a)
const auto& softplus_op = define({
    .name = "softplus",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](Math auto m, auto a) TEMPO_MATH { return m.softplus(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() * sigmoid(v.a()); }},
    .pointwise = true,
});

// y = erf a                    da = dy (2 / sqrt(pi)) e^(-a^2)
const auto& erf_op = define({
    .name = "erf",
    .type = same_as_input(Accepts::floating),
    .kernel = pointwise([](auto a) { return std::erf(a); }),
    .vjp = {[](const Vjp& v) { return v.dy() * (1.12837916709551257 * exp(-square(v.a()))); }},
    .pointwise = true,
});

// y = not a
const auto& logical_not_op = define({
    .name = "logical_not",
    .type = same_as_input(Accepts::boolean),
    .kernel = logical([](bool a) { return !a; }),
    .pointwise = true,
    .cheap = true,
});

// y = a in another dtype       da = dy in the dtype of a
const auto& defined_cast =
    define(cast_op, {
                        .name = "cast",
                        .type =
                            [](const TypeCall& call) {
                              require_inputs(call, 1);
                              return std::vector<TensorType>{
                                  {dtype_attribute(call.attributes), call.inputs[0].shape}};
                            },
                        .kernel = cast_kernel(),
                        .vjp = {[](const Vjp& v) { return cast(v.dy(), v.a().dtype()); }},
                        .pointwise = true,
                        .cheap = true,
                    });

// y = a                        no gradient flows
const auto& stop_gradient_op = define({
    .name = "stop_gradient",
    .type = same_as_input(Accepts::any),
    .cheap = true,
    .mask = masks::elementwise,
});

}  // namespace
}  // namespace tempo
