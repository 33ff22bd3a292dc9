// scan equals its plain loop, for values, gradients and gradients of gradients; the passes as text.
#define BOOST_TEST_MODULE scan
#include "graph/trace.hpp"
#include "scan/explain.hpp"
#include "scan/passes.hpp"
#include "testing.hpp"

#include <tempo/scan.hpp>

#include <functional>

using namespace tempo;
using namespace tempo::testing;

namespace {

// One recurrence: a step on sequences x, states, and the tensors it captures.
struct ScanCase {
  const char* name;
  std::function<Step(const Tensors& x, const State& s, const Tensors& captured)> step;
  Tensors x, state, captured;
};

std::vector<ScanCase> scan_cases() {
  const Tensor x = normal({3, 5, 4}, 1), h = normal({3, 7}, 2), w = 0.4 * normal({4, 7}, 3),
               u = 0.4 * normal({7, 7}, 4), b = normal({7}, 5);
  const auto rnn = [](const Tensors& xs, const State& s, const Tensors& c) {
    Tensor next = tanh(matmul(xs[0], c[0]) + matmul(s[0], c[1]) + c[2]);
    return Step{.output = next, .state = {next}};
  };
  return {
      {"tanh recurrence", rnn, {x}, {h}, {w, u, b}},
      {"one step", rnn, {slice(x, 1, 0, 1)}, {h}, {w, u, b}},
      {"batch of one", rnn, {slice(x, 0, 0, 1)}, {slice(h, 0, 0, 1)}, {w, u, b}},
      {"transpose of a weight in the step",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = sigmoid(matmul(xs[0], c[0]) - matmul(s[0], transpose(c[1])));
         return Step{next, {next}};
       },
       {x},
       {h},
       {w, u}},
      {"gates of a concatenation",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [f, g] = split<2>(matmul(concat({xs[0], s[0]}), c[0]));
         Tensor next = sigmoid(f) * s[0] + (1 - sigmoid(f)) * tanh(g);
         return Step{next, {next}};
       },
       {x},
       {h},
       {0.3 * normal({11, 14}, 6)}},
      {"baked shapes",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor bank = reshape(concat({s[0], zeros({3, 1}, float64)}), {3, 2, 4});
         Tensor next = tanh(matmul(xs[0] + sum(bank, 1), c[0]));
         return Step{reshape(next, {3, 7, 1}), {next}};
       },
       {x},
       {h},
       {w}},
      {"output that is the input",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         return Step{xs[0], {s[0] * c[0]}};
       },
       {x},
       {h},
       {b}},
      {"output that does not depend on time",
       [](const Tensors&, const State& s, const Tensors& c) {
         return Step{square(c[0]), {0.5 * s[0] + c[0]}};
       },
       {x},
       {h},
       {b}},
      {"output before the state changes",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         return Step{s[0], {tanh(matmul(xs[0], c[0]) * s[0])}};
       },
       {x},
       {h},
       {w}},
      {"two states that change places",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         return Step{s[0] * s[1], {s[1], s[0] + matmul(xs[0], c[0])}};
       },
       {x},
       {h, square(h)},
       {w}},
      {"a state that nothing reads",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         return Step{matmul(xs[0], c[0]), {s[0], sum(xs[0], -1, true) + s[1]}};
       },
       {x},
       {h, normal({3, 1}, 8)},
       {w}},
      {"two sequences and a mask",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = where(xs[1] > 0, tanh(matmul(xs[0], c[0]) + s[0]), s[0]);
         return Step{next, {next}};
       },
       {x, normal({3, 5, 1}, 9)},
       {h},
       {w}},
      {"layer norm and softmax inside",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = layer_norm(matmul(xs[0], c[0]) + s[0]) * softmax(s[0]);
         return Step{logsumexp(next, -1, true), {next}};
       },
       {x},
       {h},
       {w}},
      {"attention over a captured memory",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor q = expand_dims(s[0] + matmul(xs[0], c[0]), 1);   // [batch, 1, units]
         Tensor weights = softmax(matmul(q, c[1], false, true));  // [batch, 1, memory]
         Tensor read = squeeze(matmul(weights, c[1]), 1);
         return Step{read, {tanh(read + s[0])}};
       },
       {x},
       {h},
       {w, normal({3, 6, 7}, 10)}},
      {"more columns than a tile",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [f, g] = split<2>(matmul(xs[0], c[0]) + c[1]);
         Tensor next = sigmoid(f) * s[0] + tanh(g) * mean(s[0], -1, true);
         return Step{concat({next, square(next)}), {next}};
       },
       {x},
       {normal({3, 300}, 11)},
       {0.3 * normal({4, 600}, 12), normal({600}, 13)}},
      {"a scan inside the step",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const auto inner = [&](const Tensor& y, const State& t) {
           Tensor next = tanh(t[0] * c[0] + y);
           return Step{next, {next}};
         };
         Scanned r = scan(inner, stack({s[0], s[0] + matmul(xs[0], c[1])}, 1), {s[0]});
         return Step{sum(r.output, 1), {r.state[0]}};
       },
       {x},
       {h},
       {b, w}},
  };
}

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

BOOST_AUTO_TEST_CASE(random_numbers_in_a_step_are_those_of_the_plain_loop) {
  const Tensor x = normal({3, 5, 4});
  for (bool reverse : {false, true}) {
    const auto run = [&](bool plain) {
      set_seed(11);
      const Tensor w = parameter(normal({4}, 2));
      const auto step = [&](const Tensor& now, const State& s) {
        Tensor next = dropout(now * w, 0.4) + dropout(s[0], 0.2) + randn({3, 4}, float64);
        return Step{next, {next}};
      };
      const Scanned r =
          scan(step, x, {zeros({3, 4}, float64)}, {.reverse = reverse, .plain = plain});
      auto [dw] = gradient(sum(square(r.output)), {w});
      return Tensors{r.output, dw,
                     randn({2}, float64)};  // and the generator stands at the same place after it
    };
    const Tensors a = run(false), b = run(true);
    check_close("output", a[0], b[0], 1e-12);
    check_close("gradient", a[1], b[1], 1e-12);
    check_same("the next draw", a[2], b[2]);
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

// A Program in the cache must read what each call captures, and weights as they are now.
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
      Tensor next = tanh(matmul(now, pw) + matmul(s[0], pu));
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

// --- the Programs as text

namespace {

struct Explained {
  std::vector<LoggedProgram> programs;
};

Explained explain_rnn() {
  const Tensor w = parameter(normal({4, 7}, 1), "rnn/kernel"),
               u = parameter(normal({7, 7}, 2), "rnn/recurrent_kernel"),
               b = parameter(normal({7}, 3), "rnn/bias");
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor input = matmul(x, w),
                 recurrent = matmul(s[0], u);  // in this order with any compiler
    Tensor next = tanh(input + recurrent + b);
    return Step{next, {next}};
  };
  const Scanned r = scan(step, normal({3, 5, 4}), {zeros({3, 7}, float64)});
  gradient(sum(r.output), Tensors{w, u, b});
  return {log.programs()};
}

}  // namespace

BOOST_AUTO_TEST_CASE(hoist_moves_the_input_projection_out_of_the_loop) {
  const Explained e = explain_rnn();
  BOOST_REQUIRE_EQUAL(e.programs.size(), 2u);
  BOOST_CHECK_EQUAL(to_string(e.programs[0].program->raw()),
                    "inputs\n"
                    "  %0:rnn/kernel            fixed    [4, 7] float64\n"
                    "  %1:rnn/recurrent_kernel  fixed    [7, 7] float64\n"
                    "  %2:rnn/bias              fixed    [7] float64\n"
                    "  %3:x                     sequence [3, 4] float64\n"
                    "  %4:state                 carried  [3, 7] float64  next %9\n"
                    "loop\n"
                    "  %5 = matmul(%3:x, %0:rnn/kernel)                         [3, 7] float64\n"
                    "  %6 = matmul(%4:state, %1:rnn/recurrent_kernel)           [3, 7] float64\n"
                    "  %7 = add(%5, %6)                                         [3, 7] float64\n"
                    "  %8 = add(%7, %2:rnn/bias)                                [3, 7] float64\n"
                    "  %9 = tanh(%8)                                            [3, 7] float64\n"
                    "results\n"
                    "  sequence %9\n"
                    "  last     %9\n");
  BOOST_CHECK_EQUAL(
      to_string(hoist(e.programs[0].program->raw())),
      "inputs\n"
      "  %0:rnn/kernel            fixed    [4, 7] float64\n"
      "  %1:rnn/recurrent_kernel  fixed    [7, 7] float64\n"
      "  %2:rnn/bias              fixed    [7] float64\n"
      "  %3:x                     sequence [3, 4] float64\n"
      "  %4:state                 carried  [3, 7] float64  next %9\n"
      "before\n"
      "  %5 = matmul(%3:x, %0:rnn/kernel)                         [3, 7] float64  over time\n"
      "loop\n"
      "  %6 = matmul(%4:state, %1:rnn/recurrent_kernel)           [3, 7] float64\n"
      "  %7 = add(%5, %6)                                         [3, 7] float64\n"
      "  %8 = add(%7, %2:rnn/bias)                                [3, 7] float64\n"
      "  %9 = tanh(%8)                                            [3, 7] float64\n"
      "results\n"
      "  sequence %9\n"
      "  last     %9\n");
}

BOOST_AUTO_TEST_CASE(sink_makes_each_weights_gradient_one_product_behind_the_loop) {
  const Explained e = explain_rnn();
  BOOST_REQUIRE_EQUAL(e.programs.size(), 2u);
  BOOST_CHECK_EQUAL(
      to_string(e.programs[1].program->raw()),
      "inputs (time reversed)\n"
      "  %3:rnn/recurrent_kernel  fixed    [7, 7] float64\n"
      "  %0:dy                    sequence [3, 7] float64\n"
      "  %2:kept                  sequence [3, 7] float64\n"
      "  %4:kept                  sequence [3, 7] float64\n"
      "  %5:x                     sequence [3, 4] float64\n"
      "  %1:dstate                carried  [3, 7] float64  next %12\n"
      "loop\n"
      "  %6 = add(%0:dy, %1:dstate)                               [3, 7] float64\n"
      "  %7 = square(%2:kept)                                     [3, 7] float64\n"
      "  %8 = fill(value=1, shape=[], dtype=1)                    [] float64\n"
      "  %9 = subtract(%8, %7)                                    [3, 7] float64\n"
      "  %10 = multiply(%6, %9)                                   [3, 7] float64\n"
      "  %11 = sum_to(%10; shape=[7])                             [7] float64\n"
      "  %12 = matmul(%10, %3:rnn/recurrent_kernel; transpose_a=0, transpose_b=1) [3, 7] float64\n"
      "  %13 = matmul(%4:kept, %10; transpose_a=1, transpose_b=0) [7, 7] float64\n"
      "  %14 = matmul(%5:x, %10; transpose_a=1, transpose_b=0)    [4, 7] float64\n"
      "results\n"
      "  sum      %14\n"
      "  sum      %13\n"
      "  sum      %11\n");
  BOOST_CHECK_EQUAL(
      to_string(sink(hoist(e.programs[1].program->raw()))),
      "inputs (time reversed)\n"
      "  %3:rnn/recurrent_kernel  fixed    [7, 7] float64\n"
      "  %0:dy                    sequence [3, 7] float64\n"
      "  %2:kept                  sequence [3, 7] float64\n"
      "  %4:kept                  sequence [3, 7] float64\n"
      "  %5:x                     sequence [3, 4] float64\n"
      "  %1:dstate                carried  [3, 7] float64  next %12\n"
      "before\n"
      "  %8 = fill(value=1, shape=[], dtype=1)                    [] float64  once\n"
      "loop\n"
      "  %6 = add(%0:dy, %1:dstate)                               [3, 7] float64\n"
      "  %7 = square(%2:kept)                                     [3, 7] float64\n"
      "  %9 = subtract(%8, %7)                                    [3, 7] float64\n"
      "  %10 = multiply(%6, %9)                                   [3, 7] float64\n"
      "  %12 = matmul(%10, %3:rnn/recurrent_kernel; transpose_a=0, transpose_b=1) [3, 7] float64\n"
      "after\n"
      "  %11 = sum_to(%10; shape=[7])                             [7] float64  summed over time\n"
      "  %13 = matmul(%4:kept, %10; transpose_a=1, transpose_b=0) [7, 7] float64  summed over "
      "time\n"
      "  %14 = matmul(%5:x, %10; transpose_a=1, transpose_b=0)    [4, 7] float64  summed over "
      "time\n"
      "results\n"
      "  sum      %14\n"
      "  sum      %13\n"
      "  sum      %11\n");
}

// What issues of speed hang on: a cell written as its formula runs as one product and few groups.
BOOST_AUTO_TEST_CASE(an_lstm_written_as_its_formula_is_one_product_and_one_group_of_gates) {
  const Tensor w = parameter(normal({4, 28}, 1)), u = parameter(normal({7, 28}, 2)),
               bias = parameter(normal({28}, 3));
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor from_x = matmul(x, w), from_h = matmul(s[0], u);
    auto [i, f, g, o] = split<4>(from_x + from_h + bias);
    const Tensor in = sigmoid(i), keep = sigmoid(f), candidate = tanh(g), old = keep * s[1],
                 added = in * candidate;
    const Tensor next_c = old + added, shown = tanh(next_c), gate = sigmoid(o),
                 next_h = gate * shown;
    return Step{next_h, {next_h, next_c}};
  };
  const ProgramLog log;
  const State zero{zeros({3, 7}, float64), zeros({3, 7}, float64)};
  gradient(sum(scan(step, normal({3, 5, 4}), zero).output), Tensors{w, u, bias});
  BOOST_REQUIRE_EQUAL(log.programs().size(), 2u);
  BOOST_CHECK_EQUAL(to_string(log.programs()[0].program->plan()),
                    "  product [3, 7] x packed [7, 28], added in place\n"
                    "  tiles [3, 28] in one run: add\n"
                    "  tiles [3, 7] row by row: sigmoid sigmoid tanh multiply multiply add tanh "
                    "sigmoid multiply\n"
                    "  rows are independent\n");
  const std::string back = to_string(log.programs()[1].program->plan());
  BOOST_TEST(back.find("  tiles [3, 7] row by row:") == 0u, back);
  BOOST_TEST(back.find("\n  product [3, 28] x packed [28, 7]\n  rows are independent\n") !=
                 std::string::npos,
             back);
  BOOST_TEST(back.find("call") == std::string::npos, back);
  // Four gates, tanh(c), c and h: seven numbers per unit, step and sample.
  BOOST_TEST(log.programs()[0].program->read_by_gradient().size() == 7u);
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
  BOOST_CHECK_EQUAL(error_of([&] {
                      scan(
                          [](const Tensor& now, const State& s) {
                            return Step{now, s};
                          },
                          zeros({2, 0, 4}, float64), zero);
                    }),
                    "scan: a sequence with no steps has no last state\n"
                    "  sequence 0  [0, 2, 4] float64   time axis first");
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
