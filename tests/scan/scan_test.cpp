// SPDX-License-Identifier: Apache-2.0
// scan equals its plain loop, for values, gradients and gradients of gradients.
#define BOOST_TEST_MODULE scan
#include <thread>

#include "graph/trace.hpp"
#include "program/plan/surroundings.hpp"
#include "scan_cases.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct Results {
  Tensors values, first, second;
};

// All that a caller can see: outputs, last states, gradients to everything, and gradients of those.
Results run(const ScanCase& c, ScanOptions options) {
  Tensors inputs, x, captured;
  State state;
  for (const Tensor& t : c.x) inputs.push_back(x.emplace_back(parameter(t)));
  for (const Tensor& t : c.state) inputs.push_back(state.emplace_back(parameter(t)));
  for (const Tensor& t : c.captured) inputs.push_back(captured.emplace_back(parameter(t)));
  const auto step = [&](const Tensors& xs, const State& s) { return c.step(xs, s, captured); };
  const Scanned r = scan(step, x, state, options);
  Results out{{r.output}, {}, {}};
  out.values.insert(out.values.end(), r.state.begin(), r.state.end());
  Tensor loss = scalar(0, float64);
  for (std::size_t i = 0; i < out.values.size(); ++i)
    loss = loss +
           sum(sin(out.values[i]) * normal(out.values[i].shape(), 20 + static_cast<int64_t>(i)));
  out.first = gradient(loss, inputs);
  Tensor along = scalar(0, float64);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    along = along + sum(out.first[i] * normal(inputs[i].shape(), 40 + static_cast<int64_t>(i)));
  out.second = gradient(along, inputs);
  return out;
}

void check_equal(const std::string& what, const Results& a, const Results& b) {
  const auto check = [&](const char* which, const Tensors& x, const Tensors& y) {
    BOOST_REQUIRE_EQUAL(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      check_close(what + ", " + which + " " + std::to_string(i), x[i], y[i], 1e-11);
  };
  check("value", a.values, b.values);
  check("gradient", a.first, b.first);
  check("second gradient", a.second, b.second);
}

}  // namespace

BOOST_AUTO_TEST_CASE(scan_equals_its_plain_loop) {
  for (const ScanCase& c : scan_cases())
    for (bool reverse : {false, true})
      for (bool last_only : {false, true}) {
        const std::string what =
            std::string(c.name) + (reverse ? ", reverse" : "") + (last_only ? ", last only" : "");
        BOOST_TEST_CONTEXT(what)
        check_equal(what, run(c, {.reverse = reverse, .last_only = last_only}),
                    run(c, {.reverse = reverse, .last_only = last_only, .plain = true}));
      }
}

BOOST_AUTO_TEST_CASE(stretches_of_time_change_nothing_but_the_rounding_of_sums) {
  for (int64_t steps : {1, 2}) {
    const ShortStretches few(steps);
    for (const ScanCase& c : scan_cases())
      for (bool reverse : {false, true}) {
        const std::string what = std::string(c.name) + (reverse ? ", reverse" : "");
        BOOST_TEST_CONTEXT(what << " in stretches of " << steps)
        check_equal(what, run(c, {.reverse = reverse}),
                    run(c, {.reverse = reverse, .plain = true}));
      }
  }
}

// Every step adds about the same: thousands of such additions in float32 lose digits that are small
// beside the sum, always to one side.
BOOST_AUTO_TEST_CASE(gradients_of_a_long_sequence_are_right_to_the_digits_of_float32) {
  using Captured = const Tensors&;
  const auto matrices = [](const Tensor& x, const State& s, Captured c) {
    const Tensor next = tanh(matmul(x, c[0]) + matmul(s[0], c[1]) + c[2]);
    return Step{next, {next}};
  };
  const auto elementwise = [](const Tensor& x, const State& s, Captured c) {
    const Tensor next = tanh(x * c[0] + s[0] * c[1] + c[2]) * c[3];
    return Step{next, {next}};
  };
  const auto twice = [](const Tensor& x, const State& s, Captured c) {
    const Tensor next = tanh(x + matmul(tanh(matmul(s[0], c[0])), c[0]));
    return Step{next, {next}};
  };
  const Tensor square = 0.3 * normal({3, 3}, 1), row = abs(0.3 * normal({3}, 2)),
               gain = scalar(0.9);
  const struct {
    const char* name;
    std::function<Step(const Tensor&, const State&, Captured)> step;
    Tensors captured;
    int64_t batch, time;
    ScanOptions options = {};
  } rows[] = {
      {"matrices and a bias", matrices, {square, 0.5 * square, row}, 1, 60'000},
      {"in reverse", matrices, {square, 0.5 * square, row}, 1, 60'000, {.reverse = true}},
      {"computed again", matrices, {square, 0.5 * square, row}, 2, 60'000, {.recompute = true}},
      {"on shards of rows", matrices, {square, 0.5 * square, row}, 24, 8'000},
      {"elementwise", elementwise, {row, 0.5 * row, row, gain}, 1, 60'000},
      {"elementwise in reverse", elementwise, {row, row, row, gain}, 1, 60'000, {.reverse = true}},
      {"elementwise on rows", elementwise, {row, 0.5 * row, row, gain}, 24, 8'000},
      {"a weight that is read twice", twice, {square}, 1, 60'000},
  };
  for (const auto& r : rows) {
    const auto gradients = [&](DType dtype) {
      Tensors captured;
      for (const Tensor& t : r.captured) captured.push_back(parameter(cast(t, dtype)));
      const Tensor x = full({r.batch, r.time, 3}, 0.7, dtype);
      const auto step = [&](const Tensor& now, const State& s) { return r.step(now, s, captured); };
      return gradient(sum(scan(step, x, {zeros({r.batch, 3}, dtype)}, r.options).output), captured);
    };
    const Tensors of_float = gradients(float32), of_double = gradients(float64);
    const Threads one(1);
    const Tensors on_one_thread = gradients(float32);
    for (std::size_t i = 0; i < of_float.size(); ++i) {
      const std::string what = std::string(r.name) + ", gradient " + std::to_string(i);
      const Tensor largest = max(abs(of_double[i]));
      check_close(what, cast(of_float[i], float64) / largest, of_double[i] / largest, 1e-5);
      check_same(what + " on one thread", on_one_thread[i], of_float[i]);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_fades_below_the_smallest_normal_number_is_zero) {
  const auto fade = [](const Tensor& x, const State& s) {
    const Tensor next = 0.1 * s[0] + x;
    return Step{next, {next}};
  };
  const Tensor x = zeros({512, 43, 64}, float32), h = ones({512, 64}, float32);
  const auto smallest_nonzero = [&](ScanOptions options) {
    float least = 1;
    for (float v : scan(fade, x, {h}, options).output.to_vector<float>())
      if (v != 0) least = std::min(least, v);
    return least;
  };
  BOOST_TEST(smallest_nonzero({}) >= std::numeric_limits<float>::min());
  BOOST_TEST(smallest_nonzero({.plain = true}) < std::numeric_limits<float>::min());
}

BOOST_AUTO_TEST_CASE(steps_that_are_computed_again_give_the_same) {
  for (const ScanCase& c : scan_cases())
    for (bool reverse : {false, true})
      for (bool last_only : {false, true})
        for (int64_t times : {1, 2, 3}) {  // its own length, and multiples: a rest or none
          ScanCase longer = c;
          for (Tensor& x : longer.x) x = concat(Tensors(static_cast<std::size_t>(times), x), 1);
          const std::string what = std::string(c.name) + (reverse ? ", reverse" : "") +
                                   (last_only ? ", last only" : "") + ", times " +
                                   std::to_string(times);
          BOOST_TEST_CONTEXT(what)
          check_equal(what,
                      run(longer, {.reverse = reverse, .last_only = last_only, .recompute = true}),
                      run(longer, {.reverse = reverse, .last_only = last_only}));
        }
}

BOOST_AUTO_TEST_CASE(a_rule_may_give_what_it_reads_as_it_is) {
  for (const ScanCase& c : rules_without_dy())
    for (bool reverse : {false, true})
      for (bool recompute : {false, true}) {
        const std::string what = std::string(c.name) + (reverse ? ", reverse" : "") +
                                 (recompute ? ", computed again" : "");
        const Results expected = run(c, {.reverse = reverse, .plain = true}),
                      got = run(c, {.reverse = reverse, .recompute = recompute});
        for (std::size_t i = 0; i < expected.first.size(); ++i)
          check_close(what + ", gradient " + std::to_string(i), got.first[i], expected.first[i],
                      1e-11);
      }
}

BOOST_AUTO_TEST_CASE(random_numbers_in_a_step_are_those_of_the_plain_loop) {
  const Tensor x = normal({3, 5, 4});
  for (bool reverse : {false, true}) {
    const auto run = [&](bool plain, bool recompute = false) {
      set_seed(11);
      const Tensor w = parameter(normal({4}, 2));
      const auto step = [&](const Tensor& now, const State& s) {
        Tensor next = dropout(now * w, 0.4) + dropout(s[0], 0.2) + randn({3, 4}, float64);
        return Step{next, {next}};
      };
      const Scanned r = scan(step, x, {zeros({3, 4}, float64)},
                             {.reverse = reverse, .plain = plain, .recompute = recompute});
      auto [dw] = gradient(sum(square(r.output)), {w});
      return Tensors{r.output, dw,
                     randn({2}, float64)};  // and the generator stands at the same place afterwards
    };
    const Tensors a = run(false), b = run(true), c = run(false, true);
    check_close("output", a[0], b[0], 1e-12);
    check_close("gradient", a[1], b[1], 1e-12);
    check_same("the next draw", a[2], b[2]);
    check_close("output, recomputed", c[0], b[0], 1e-12);
    check_close("gradient, recomputed", c[1], b[1], 1e-12);
    check_same("the next draw, recomputed", c[2], b[2]);
  }
}

BOOST_AUTO_TEST_CASE(two_calls_draw_different_numbers) {
  const auto step = [](const Tensor& now, const State& s) {
    return Step{dropout(now, 0.5), {s[0]}};
  };
  const Tensor x = ones({4, 6, 8}, float64);
  const Tensor a = scan(step, x, {zeros({4, 1}, float64)}).output,
               b = scan(step, x, {zeros({4, 1}, float64)}).output;
  BOOST_TEST(max(abs(a - b)).item() > 0);
}

// A cached Program must read what each call captures, and the current weights.
BOOST_AUTO_TEST_CASE(no_value_is_stale) {
  const Tensor x = normal({2, 3, 4});
  const Tensor w = parameter(normal({4}, 2), "cell/w");
  for (int call = 0; call < 4; ++call) {
    const Tensor other = normal({4}, 10 + call);
    assign(w, normal({4}, 30 + call));
    const auto step = [&](const Tensor& now, const State& s) {
      Tensor next = tanh(now * w + other) + s[0] * (0.1 * call);
      return Step{next, {next}};
    };
    const State zero{zeros({2, 4}, float64)};
    check_close("call " + std::to_string(call), scan(step, x, zero).output,
                scan(step, x, zero, {.plain = true}).output, 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(one_and_two_threads_give_the_same_bits) {
  const Tensor x = random_normal({64, 20, 96}, 0, 1, float32, 1),
               w = random_normal({96, 256}, 0, 0.1, float32, 2),
               u = random_normal({256, 256}, 0, 0.1, float32, 3);
  const auto run = [&](int n) {
    set_threads(n);
    const Tensor pw = parameter(w), pu = parameter(u);
    const auto step = [&](const Tensor& now, const State& s) {
      Tensor next = tanh(layer_norm(matmul(now, pw) + matmul(s[0], pu)));
      return Step{next, {next}};
    };
    const Scanned r = scan(step, x, {zeros({64, 256}, float32)});
    auto [dw, du] = gradient(mean(square(r.output)), {pw, pu});
    return Tensors{r.output, dw, du};
  };
  const Tensors one = run(1), two = run(2), three = run(3);
  for (std::size_t i = 0; i < one.size(); ++i) {
    check_same("two threads", two[i], one[i]);
    check_same("three threads", three[i], one[i]);
  }
  set_threads(2);
}

// A step of the sequence has one axis, and each row of the state meets all of it.
BOOST_AUTO_TEST_CASE(shards_wait_for_what_all_of_them_read) {
  const Tensor x = random_normal({64, 400}, 0, 1, float32, 1), zero = zeros({64, 64}, float32),
               u = random_normal({64, 64}, 0, 0.1, float32, 2);
  const auto step = [&](const Tensor& now, const State& s) {
    Tensor next = tanh(0.5 * matmul(s[0], u) + now);
    return Step{next, {next}};
  };
  const Tensor expected = scan(step, x, {zero}, {.plain = true}).output;
  const int before = threads();
  for (int n : {1, 2, 3}) {
    set_threads(n);
    check_close(std::to_string(n) + " threads", scan(step, x, {zero}).output, expected, 1e-5);
  }
  set_threads(before);
}

// The states are unchanged, and each is a value of its own.
BOOST_AUTO_TEST_CASE(of_no_steps_the_last_state_is_the_first) {
  const Tensor w = parameter(normal({4, 3}, 2)), x = parameter(normal({2, 0, 4}));
  const auto step = [&](const Tensor& now, const State& s) {
    const Tensor next = tanh(matmul(now, w) + s[0]);
    return Step{concat({next, s[1]}), {next, 2 * s[1]}};
  };
  for (bool reverse : {false, true})
    for (bool last_only : {false, true})
      for (bool plain : {false, true})
        for (bool recompute : {false, true})
          for (int64_t batch : {0, 2}) {
            const Tensor h = parameter(normal({batch, 3}, 3)), c = parameter(normal({batch, 1}, 4));
            const Scanned r = scan(step, slice(x, 0, 0, batch), {h, c},
                                   {.reverse = reverse,
                                    .last_only = last_only,
                                    .plain = plain,
                                    .recompute = recompute});
            check_same("output", r.output,
                       zeros(last_only ? Shape{batch, 4} : Shape{batch, 0, 4}, float64));
            BOOST_REQUIRE_EQUAL(r.state.size(), 2u);
            check_same("h", r.state[0], h);
            check_same("c", r.state[1], c);
            const Tensors all{r.output, r.state[0], r.state[1]}, leaves{x, w, h, c};
            const Tensors first = gradient(sum(square(mixed(all))), leaves);
            const Tensors expected =
                gradient(sum(square(mixed({zeros_like(r.output), h, c}))), leaves);
            const Tensors second = gradient(mixed(first), leaves),
                          of_expected = gradient(mixed(expected), leaves);
            for (std::size_t i = 0; i < leaves.size(); ++i) {
              check_close("gradient", first[i], expected[i], 1e-14);
              check_close("second gradient", second[i], of_expected[i], 1e-14);
            }
            assign(h, 2 * h);
            check_same("the state does not change with what it was", r.state[0], 0.5 * h);
          }
}

BOOST_AUTO_TEST_CASE(a_scan_within_a_scan_may_have_no_steps) {
  const Tensor x = normal({2, 3, 0, 4}), y = normal({2, 3, 1}, 2);
  const auto add = [](const Tensor& now, const State& s) {
    return Step{now, {s[0] + sum(now, -1, true)}};
  };
  const auto step = [&](const Tensors& now, const State& s) {
    const Scanned inner = scan(add, now[0], {s[0] + now[1]});
    return Step{inner.state[0], inner.state};
  };
  for (bool plain : {false, true})
    check_close("a running sum",
                scan(step, Tensors{x, y}, {zeros({2, 1}, float64)}, {.plain = plain}).output,
                cumsum(y, 1), 1e-14);
}

// --- what cannot be

BOOST_AUTO_TEST_CASE(errors_say_what_to_do) {
  const Tensor x = normal({2, 3, 4});
  const State zero{zeros({2, 4}, float64)};
  BOOST_CHECK_EQUAL(error_of([&] {
                      scan(
                          [](const Tensor& now, const State& s) -> Step {
                            return now.element(0) > 0 ? Step{now, s} : Step{-now, s};
                          },
                          x, zero);
                    }),
                    "a value was read while a step is traced; there is none yet.\n"
                    "  item(), data() and `if` on a tensor see no number there: use "
                    "where(condition, a, b) to choose.");
  BOOST_CHECK_EQUAL(
      error_of([&] {
        scan(
            [](const Tensor& now, const State& s) {
              return Step{now, {concat({s[0], s[0]})}};
            },
            x, zero);
      }),
      "scan: state 0 changes its type in the step\n"
      "  before  [2, 4] float64\n"
      "  after   [2, 8] float64\n"
      "  A state must keep its shape and dtype; does the initial state have the size of the cell?");
  BOOST_CHECK_EQUAL(error_of([&] {
                      scan([](const Tensor& now, const State&) { return Step{now, {}}; }, x, zero);
                    }),
                    "scan: the step was given 1 states and returned 0.\n"
                    "  Return {.output = ..., .state = {...}} with every state, in order.");
  const Tensor w = parameter(normal({4}), "cell/w"), other = normal({4}, 2);
  BOOST_CHECK_EQUAL(error_of([&] {
                      scan(
                          [&](const Tensor& now, const State& s) {
                            assign(w, other);
                            return Step{now, s};
                          },
                          x, zero);
                    }),
                    "assign: weight `cell/w` cannot change while a step is traced.");
  // The state may depend on it, and the gradient from there would be missing.
  BOOST_CHECK_EQUAL(
      error_of([&] {
        scan(
            [&](const Tensor& now, const State& s) {
              return Step{now, {gradient(sum(w * s[0] * now), {w})[0] + s[0]}};
            },
            x, zero);
      }),
      "gradient: input 0, [4] float64 `cell/w`, is from outside of the step that is "
      "traced, and y depends on the step's arguments, which may depend on it.\n"
      "  Let the step read a copy, `mine = 1 * x`, and ask for the gradient of that.");
  Tensor escaped;
  scan(
      [&](const Tensor& now, const State& s) {
        escaped = now;
        return Step{now, s};
      },
      x, zero);
  BOOST_CHECK_EQUAL(error_of([&] { escaped + escaped; }),
                    "add: a placeholder of a traced step was used after the step ended.\n"
                    "  Return what the step computes as its output or state; do not store it.");
}

namespace {

Tensor gradient_through(const OpDefinition& op) {
  const Tensor x = parameter(normal({2, 3, 4}));
  const Scanned done = scan(
      [&](const Tensor& now, const State& s) -> Step {
        const Tensor next = tempo::apply(op, {now + s[0]});
        return {.output = next, .state = {next}};
      },
      x, {zeros({2, 4}, float64)});
  return gradient(sum(done.output), {x})[0];
}

}  // namespace

// The rule may be a plugin's, which may wait for another thread that also makes a gradient.
BOOST_AUTO_TEST_CASE(a_rule_of_an_op_runs_under_no_lock) {
  OpDefinition op = *find_op("tanh");
  op.name = "tanh that waits for another thread";
  op.vjp = {[](const Vjp& v) {
    std::thread([] { gradient_through(*find_op("sin")); }).join();
    return v.dy() * (1 - square(v.y()));
  }};
  const OpDefinition& waiting = define(std::move(op));
  check_same("its gradient", gradient_through(waiting), gradient_through(*find_op("tanh")));
}

// Shapes without elements fit where they must not: a row of 6 is not 0 times 3.
BOOST_AUTO_TEST_CASE(a_batch_of_no_rows_runs_as_its_plain_loop_does) {
  constexpr int64_t batch = 0;
  const Tensor x = zeros({batch, 3, 4}, float64), h = zeros({batch, 6}, float64),
               n = ones({2}, float64), w = normal({4, 6}, 1), u = normal({6, 6}, 2),
               b = normal({6}, 3);
  const auto step = [&](const Tensor& now, const State& s) -> Step {
    const Tensor z =
        reshape(matmul(now, w) + b, {batch, -1, 3}) + reshape(matmul(s[0], u), {batch, -1, 3});
    const Tensor next = tanh(reshape(z, {batch, 6}));
    return {.output = next, .state = {next, 0.5 * s[1] + 1}};  // the last state has elements
  };
  const Scanned got = scan(step, x, {h, n}), expected = scan(step, x, {h, n}, {.plain = true});
  BOOST_TEST(got.output.shape() == expected.output.shape());
  check_close("the state that is no row", got.state[1], expected.state[1], 1e-15);
}
