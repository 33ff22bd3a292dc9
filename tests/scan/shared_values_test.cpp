// SPDX-License-Identifier: Apache-2.0
// Steps in which values turn out to be fixed, or two states to be one value: scan, its gradient and
// a stream against the plain loop.
#define BOOST_TEST_MODULE shared_values
#include <tempo/layers.hpp>
#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using testing::check_close;

namespace {

constexpr int64_t batch = 32, time_steps = 20, units = 64;

Tensor normal(const Shape& shape, int64_t seed) {
  return cast(testing::normal(shape, seed), float64);
}

// Rows that end after `shortest` steps to all steps, as [batch, time, 1].
Tensor rows_that_end(int64_t shortest) {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < batch; ++i)
    lengths.push_back(shortest + i * 7 % (time_steps + 1 - shortest));
  return expand_dims(mask_of_lengths(tensor(lengths, {batch}), time_steps), -1);
}

using AnyStep = std::function<Step(const Tensors& now, const State& s)>;

Scanned run(const AnyStep& step, const Tensors& x, const State& first, bool plain) {
  return scan(step, x, first, {.plain = plain});
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_fixed_value_under_a_rule_stays_fixed) {
  const Tensor x = ones({2, 50, 4}, float64), h = zeros({2, 3}, float64), w = ones({4, 3}, float64),
               c = ones({2, 4}, float64);
  const Scanned out = scan(
      [&](const Tensor& now, const State& s) -> Step {
        const Tensor v = custom_gradient(c, {now}, [](const Tensor& dy) { return dy; });
        const Tensor next = s[0] + matmul(v, w);
        return {next, {next}};
      },
      x, {h}, {.last_only = true});
  check_close("last", out.output, full({2, 3}, 200, float64), 1e-12);
}

BOOST_AUTO_TEST_CASE(splits_of_other_sizes_are_added_part_by_part) {
  const Tensor x = normal({3, 5, 2}, 1), h = normal({3, 3}, 2), w = normal({2, 4}, 3),
               u = normal({3, 4}, 4);
  const AnyStep step = [&](const Tensors& now, const State& s) -> Step {
    const Tensors p = split(matmul(now[0], w), {1, 3}), q = split(matmul(s[0], u), {3, 1});
    const Tensor next = tanh((p[0] + q[0]) * (p[1] + q[1]));
    return {next, {next}};
  };
  check_close("output", run(step, {x}, {h}, false).output, run(step, {x}, {h}, true).output, 1e-12);
}

// Two states with one gradient, in rows that each begin at another step of reversed time.
BOOST_AUTO_TEST_CASE(rows_that_end_where_two_states_share_a_gradient) {
  const Tensor x = normal({batch, time_steps, units}, 5), m = rows_that_end(1),
               z = zeros({batch, units}, float64), w = parameter(0.1 * normal({units, units}, 6));
  const AnyStep step = [&](const Tensors& now, const State& s) -> Step {
    const Tensor q = matmul(s[0] + s[1], w), h = tanh(now[0] + q), c = sigmoid(now[0] - q);
    return {where(now[1], h, 0), {where(now[1], h, s[0]), where(now[1], c, s[1])}};
  };
  const auto gradient_of = [&](bool plain) {
    return gradient(sum(run(step, {x, m}, {z, z}, plain).state[0]), {w})[0];
  };
  check_close("dw", gradient_of(false), gradient_of(true), 1e-9);
}

// A row without a step keeps the first value of each state, whether the step reads it or not.
BOOST_AUTO_TEST_CASE(rows_without_a_step_keep_both_of_two_equal_states) {
  const Tensor x = normal({batch, time_steps, units}, 7), m = rows_that_end(0),
               a = normal({batch, units}, 8), b = normal({batch, units}, 9),
               w = 0.1 * normal({units, units}, 10);
  const AnyStep step = [&](const Tensors& now, const State& s) -> Step {
    const Tensor h = tanh(now[0] + matmul(s[0], w));
    return {where(now[1], h, 0), {where(now[1], h, s[0]), where(now[1], h, s[1])}};
  };
  const Scanned fast = run(step, {x, m}, {a, b}, false), plain = run(step, {x, m}, {a, b}, true);
  for (std::size_t i : {0u, 1u})
    check_close("state " + std::to_string(i), fast.state[i], plain.state[i], 1e-9);
}

namespace {
struct FixedNextOptions {};
void describe(auto&, FixedNextOptions&) {}
struct FixedNextCell : Cell<FixedNextOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape&) {
    a = add("a", {1, 3}, glorot_uniform());
    b = add("b", {1, 3}, glorot_uniform());
  }
  Shapes state_shapes(int64_t n) const { return {{n, 6}}; }
  Step step(const Tensor& x, const State& s) const { return {x + s[0], {concat({a, b})}}; }
  Tensor a, b;
};
}  // namespace

BOOST_AUTO_TEST_CASE(a_stream_has_a_next_state_that_is_fixed) {
  Sequential model({RNN(FixedNextCell(), {.return_sequences = true})});
  const Tensor x = cast(testing::normal({1, 5, 6}, 11), float32);
  const Tensor whole = model(x);
  Stream stream(model);
  std::vector<float> in(6), out(6);
  for (int64_t t = 0; t < 5; ++t) {
    const std::vector<double> now = take(take(x, 0), t).to_vector(),
                              right = take(take(whole, 0), t).to_vector();
    std::copy(now.begin(), now.end(), in.begin());
    stream.step(in, out);
    for (std::size_t i = 0; i < 6; ++i) BOOST_TEST(out[i] == static_cast<float>(right[i]));
  }
}
