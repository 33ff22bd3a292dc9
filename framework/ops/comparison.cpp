// SPDX-License-Identifier: Apache-2.0
// Comparisons and logic: results are bools, and no gradient flows.
#include "ops/types.hpp"
#include "tensor/kernels/pointwise.hpp"

namespace tempo {
namespace {

template <class F>
const OpDefinition& define_comparison(const char* name, Accepts accepts, F f) {
  return define({
      .name = name,
      .type = broadcast_to_bool(accepts),
      .kernel = comparison(f),
      .pointwise = true,
      .cheap = true,
  });
}

const auto& equal_op =
    define_comparison("equal", Accepts::any, [](auto a, auto b) { return a == b; });
const auto& not_equal_op =
    define_comparison("not_equal", Accepts::any, [](auto a, auto b) { return a != b; });
const auto& less_op =
    define_comparison("less", Accepts::numeric, [](auto a, auto b) { return a < b; });
const auto& less_equal_op =
    define_comparison("less_equal", Accepts::numeric, [](auto a, auto b) { return a <= b; });
const auto& greater_op =
    define_comparison("greater", Accepts::numeric, [](auto a, auto b) { return a > b; });
const auto& greater_equal_op =
    define_comparison("greater_equal", Accepts::numeric, [](auto a, auto b) { return a >= b; });

// y = a and b
const auto& logical_and_op = define({
    .name = "logical_and",
    .type = broadcast(Accepts::boolean),
    .kernel = logical([](bool a, bool b) { return a && b; }),
    .pointwise = true,
    .cheap = true,
});

// y = a or b
const auto& logical_or_op = define({
    .name = "logical_or",
    .type = broadcast(Accepts::boolean),
    .kernel = logical([](bool a, bool b) { return a || b; }),
    .pointwise = true,
    .cheap = true,
});

}  // namespace
}  // namespace tempo
