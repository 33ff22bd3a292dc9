// SPDX-License-Identifier: Apache-2.0
// A step may capture values that have a part for each row, whatever their shape. If rows end, they
// run in the order of their lengths, and each still meets its own part.
#define BOOST_TEST_MODULE captured_rows
#include <functional>

#include <tempo/layers.hpp>

#include "program/run/rows/ending_rows.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

constexpr int64_t batch = 8, steps = 12, units = 6, heads = 2, width = units / heads;

using Recur = std::function<Tensor(const Tensor& state)>;

// Results and gradients of h' = tanh(x + recur(h)), for steps that count.
Tensors run(const Recur& recur, bool plain) {
  const EndedRows treat(EndedRows::left_out);
  const Tensor x = parameter(normal({batch, steps, units}, 1)),
               h = parameter(normal({batch, units}, 2)),
               counts = expand_dims(mask_of_lengths(tensor({3, 12, 1, 7, 0, 5, 12, 2}), steps), -1);
  const Scanned done = scan(
      [&](const Tensors& now, const State& s) -> Step {
        const Tensor next = tanh(now[0] + recur(s[0]));
        return {.output = where(now[1], next, 0), .state = {where(now[1], next, s[0])}};
      },
      {x, counts}, {h}, {.plain = plain});
  Tensors all{done.output, done.state[0]};
  for (const Tensor& g : gradient(sum(sin(done.output)) + sum(cos(done.state[0])), {x, h}))
    all.push_back(g);
  return all;
}

void check(const std::string& what, const Recur& recur) {
  const Tensors got = run(recur, false), expected = run(recur, true);
  for (std::size_t i = 0; i < got.size(); ++i)
    check_close(what + ", " + std::to_string(i), got[i], expected[i], 1e-12);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_row_meets_its_own_part_of_what_is_captured) {
  const Tensor rows = normal({batch, units}, 3), in_front = normal({1, batch, units}, 4),
               column = normal({batch, 1}, 5), by_head = normal({batch * heads, width}, 6),
               by_pair = normal({2 * heads, width}, 7), last = normal({batch}, 8),
               of_heads = normal({heads, batch, width}, 9);
  check("rows", [&](const Tensor& s) { return s * rows; });
  check("a column", [&](const Tensor& s) { return s * column; });
  check("an axis in front of the rows",
        [&](const Tensor& s) { return squeeze(expand_dims(s, 0) * in_front, 0); });
  check("rows of heads", [&](const Tensor& s) {
    return reshape(reshape(s, by_head.shape()) * by_head, {batch, units});
  });
  check("two rows as one", [&](const Tensor& s) {
    return reshape(reshape(s, {batch / 2, 2 * heads, width}) * by_pair, {batch, units});
  });
  check("rows as the last axis", [&](const Tensor& s) {
    return transpose(transpose(s, {1, 0}) * last, {1, 0});
  });
  check("heads before rows", [&](const Tensor& s) {
    const Tensor turned = transpose(reshape(s, {batch, heads, width}), {1, 0, 2}) * of_heads;
    return reshape(transpose(turned, {1, 0, 2}), {batch, units});
  });
}

BOOST_AUTO_TEST_CASE(what_is_the_same_for_all_rows_is_not_sorted) {
  const Tensor row = normal({units}, 3), one_row = normal({1, units}, 4),
               number = normal({1, 1, 1}, 5), of_heads = normal({heads, width}, 6),
               square = normal({units, units}, 7), blocks = normal({heads, width, width}, 8);
  check("a row", [&](const Tensor& s) { return s * row; });
  check("one row", [&](const Tensor& s) { return s * one_row; });
  check("a number", [&](const Tensor& s) { return squeeze(expand_dims(s, 0) * number, 0); });
  check("heads", [&](const Tensor& s) {
    return reshape(reshape(s, {batch, heads, width}) * of_heads, {batch, units});
  });
  check("a matrix", [&](const Tensor& s) { return matmul(s, square); });
  check("blocks", [&](const Tensor& s) {
    return reshape(matmul(reshape(s, {batch, heads, 1, width}), blocks), {batch, units});
  });
  check("a matrix for each head, turned", [&](const Tensor& s) {
    const Tensor turned = transpose(reshape(s, {batch, heads, width}), {1, 0, 2});
    return reshape(transpose(matmul(turned, blocks), {1, 0, 2}), {batch, units});
  });
}

BOOST_AUTO_TEST_CASE(a_rule_meets_the_rows_that_it_would_in_the_loop) {
  const Tensor number = normal({batch}, 3), row = normal({units}, 4),
               rows = normal({batch, units}, 5);
  const auto ruled = [](const std::function<Tensor(const Tensor&)>& rule) {
    return [rule](const Tensor& s) {
      const Tensor z = 0.5 * s;
      return custom_gradient(sin(z), {z}, [&](const Tensor& dy) -> Tensors { return {rule(dy)}; });
    };
  };
  check("a number for each row",
        ruled([&](const Tensor& dy) { return dy * expand_dims(number, -1); }));
  check("a row", ruled([&](const Tensor& dy) { return dy * row; }));
  check("rows", ruled([&](const Tensor& dy) { return dy * rows; }));
  check("a running sum over rows", ruled([](const Tensor& dy) { return 0.1 * cumsum(dy, 0); }));
  check("a mean over rows", ruled([](const Tensor& dy) { return dy - mean(dy, 0, true); }));
}
