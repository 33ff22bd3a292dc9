// SPDX-License-Identifier: Apache-2.0
// The text of a Program after each pass; and that no pass changes what a Program computes.
#define BOOST_TEST_MODULE scan_passes
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/uses.hpp"
#include "program_passes.hpp"
#include "scan/explain.hpp"
#include "scan/formula.hpp"
#include "scan_cases.hpp"

using namespace tempo;
using namespace tempo::testing;

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
  BOOST_CHECK_EQUAL(to_string(e.programs[0].recurrence->normalised()),
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
      to_string(hoist(e.programs[0].recurrence->normalised())),
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

BOOST_AUTO_TEST_CASE(sink_makes_each_weights_gradient_one_product_after_the_loop) {
  const Explained e = explain_rnn();
  BOOST_REQUIRE_EQUAL(e.programs.size(), 2u);
  BOOST_CHECK_EQUAL(
      to_string(e.programs[1].recurrence->normalised()),
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
      to_string(sink(hoist(e.programs[1].recurrence->normalised()))),
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

// A value from before the loop that is only summed over time is also one product over time.
BOOST_AUTO_TEST_CASE(an_output_projections_gradient_is_one_product_after_the_loop) {
  const Tensor w = parameter(normal({4, 7}, 1), "w"), out = parameter(normal({7, 2}, 2), "out"),
               b = parameter(normal({2}, 3), "b");
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor next = tanh(matmul(x, w) + s[0]);
    return Step{matmul(next, out) + b, {next}};
  };
  const ProgramLog log;
  const Scanned r = scan(step, normal({1, 5, 4}), {zeros({1, 7}, float64)});
  gradient(sum(r.output), Tensors{out, b});
  const Program& normalised = log.programs().at(1).recurrence->normalised();
  BOOST_CHECK_EQUAL(from("loop", hoist(normalised)),
                    "loop\n"
                    "  %4 = sum_to(%0:dy; shape=[2])                            [2] float64\n"
                    "  %7 = matmul(%3:kept, %0:dy; transpose_a=1, transpose_b=0) [7, 2] float64\n"
                    "results\n"
                    "  sum      %7\n"
                    "  sum      %4\n");
  BOOST_CHECK_EQUAL(
      from("after", sink(hoist(normalised))),
      "after\n"
      "  %4 = sum_to(%0:dy; shape=[2])                            [2] float64  summed "
      "over time\n"
      "  %7 = matmul(%3:kept, %0:dy; transpose_a=1, transpose_b=0) [7, 2] float64  "
      "summed over time\n"
      "results\n"
      "  sum      %7\n"
      "  sum      %4\n");
}

// The outer product of two values of a step, and a matrix that is only made to be multiplied.
BOOST_AUTO_TEST_CASE(hoist_leaves_a_product_whose_matrices_outgrow_the_others_in_the_loop) {
  const auto step = [&](const Tensors& x, const State& s) {
    const Tensor k = expand_dims(x[0], -1), v = expand_dims(x[1], -2);  // [3, 7, 1], [3, 1, 7]
    const Tensor next = s[0] + matmul(k, v), shown = matmul(abs(x[2]), k);
    return Step{shown + matmul(v, k), {next}};
  };
  const ProgramLog log;
  const Tensors x{normal({3, 5, 7}), normal({3, 5, 7}), normal({3, 5, 7, 7})};
  scan(step, x, {zeros({3, 7, 7}, float64)});
  const Program& normalised = log.programs().at(0).recurrence->normalised();
  BOOST_CHECK_EQUAL(from("before", hoist(normalised)),
                    "before\n"
                    "  %4 = reshape(%0:x; shape=[3, 7, 1])                      [3, 7, 1] float64  "
                    "over time\n"
                    "  %5 = reshape(%1:x; shape=[3, 1, 7])                      [3, 1, 7] float64  "
                    "over time\n"
                    "  %10 = matmul(%5, %4)                                     [3, 1, 1] float64  "
                    "over time\n"
                    "loop\n"
                    "  %6 = matmul(%4, %5)                                      [3, 7, 7] float64\n"
                    "  %7 = add(%3:state, %6)                                   [3, 7, 7] float64\n"
                    "  %8 = abs(%2:x)                                           [3, 7, 7] float64\n"
                    "  %9 = matmul(%8, %4)                                      [3, 7, 1] float64\n"
                    "  %11 = add(%9, %10)                                       [3, 7, 1] float64\n"
                    "results\n"
                    "  sequence %11\n"
                    "  last     %7\n");
}

// With few rows, the loop would read the weights once for each step.
BOOST_AUTO_TEST_CASE(hoist_leaves_a_product_of_many_rows_that_the_loop_does_not_read_to_sink) {
  const auto of_rows = [](int64_t rows) {
    const Tensor w = parameter(normal({7, 7}, 1));
    const auto step = [&](const Tensor& x, const State& s) {
      return Step{matmul(tanh(sin(x)), w), {s[0] + x}};
    };
    const ProgramLog log;
    scan(step, normal({rows, 5, 7}), {zeros({rows, 7}, float64)});
    return log.programs().at(0).recurrence->normalised();
  };
  const auto names = [](const std::vector<Instruction>& section) {
    std::string text;
    for (const Instruction& i : section) text += i.op->name + " ";
    return text;
  };
  const Program many = sink(hoist(of_rows(8))), few = hoist(of_rows(7));
  BOOST_CHECK_EQUAL(names(many.before), "");
  BOOST_CHECK_EQUAL(names(many.loop), "sin tanh add ");
  BOOST_CHECK_EQUAL(names(many.after), "matmul ");
  BOOST_CHECK_EQUAL(names(few.before), "sin tanh matmul ");
}

// The sum of a row's multiples is the multiple of its sum: nothing of one row, which threads could
// not share, stays in the loop. A value with rows grows there.
BOOST_AUTO_TEST_CASE(sink_multiplies_the_sum_of_a_row_that_there_is_at_every_step) {
  const auto sunk = [](const Shape& shape) {
    Program p;
    p.fixed = {p.add_value(Role::fixed, {float32, {3}}, "w")};
    p.sequences = {p.add_value(Role::sequence, {float32, shape}, "x")};
    append(p, p.loop, multiply_op, {}, {p.sequences[0], p.fixed[0]});
    p.results = {{ProgramResult::sum, ValueId{2}}};
    return from("loop", sink(std::move(p)));
  };
  BOOST_CHECK_EQUAL(sunk({3}), "");
  BOOST_CHECK_EQUAL(sunk({4, 3}),
                    "loop\n"
                    "  %2 = multiply(%1:x, %0:w)                                [4, 3] float32\n"
                    "  %4 = add(%3, %2)                                         [4, 3] float32  "
                    "summed over time\n"
                    "after\n"
                    "  %5 = sum_to(%4; shape=[4, 3])                            [4, 3] float32  "
                    "once\n"
                    "results\n"
                    "  sum      %5\n");
}

BOOST_AUTO_TEST_CASE(sink_moves_a_product_of_few_rows_with_what_is_computed_from_it) {
  const Tensor out = parameter(normal({7, 2}, 2), "out");
  const auto program_of_rows = [&](int64_t rows) {
    const auto step = [&](const Tensor& x, const State& s) {
      const Tensor next = tanh(x + s[0]), shown = matmul(next, out);
      return Step{tanh(shown), {next}};
    };
    const ProgramLog log;
    scan(step, normal({rows, 5, 7}), {zeros({rows, 7}, float64)});
    return sink(hoist(log.programs().at(0).recurrence->normalised()));
  };
  BOOST_CHECK_EQUAL(
      from("loop", program_of_rows(7)),
      "loop\n"
      "  %3 = add(%1:x, %2:state)                                 [7, 7] float64\n"
      "  %4 = tanh(%3)                                            [7, 7] float64\n"
      "after\n"
      "  %5 = matmul(%4, %0:out)                                  [7, 2] float64  over "
      "time\n"
      "  %6 = tanh(%5)                                            [7, 2] float64  over "
      "time\n"
      "results\n"
      "  sequence %6\n"
      "  last     %4\n");
  BOOST_CHECK_EQUAL(from("loop", program_of_rows(8)),
                    "loop\n"
                    "  %3 = add(%1:x, %2:state)                                 [8, 7] float64\n"
                    "  %4 = tanh(%3)                                            [8, 7] float64\n"
                    "  %5 = matmul(%4, %0:out)                                  [8, 2] float64\n"
                    "  %6 = tanh(%5)                                            [8, 2] float64\n"
                    "results\n"
                    "  sequence %6\n"
                    "  last     %4\n");
}

// Speed depends on this: a cell written as its formula runs as one product and few groups.
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
  BOOST_CHECK_EQUAL(to_string(log.programs()[0].recurrence->optimised()),
                    "  product [3, 7] x packed [7, 28], added in place, plus a row\n"
                    "  tiles [3, 7] row by row: sigmoid sigmoid tanh multiply multiply add tanh "
                    "sigmoid multiply\n"
                    "  rows are independent\n");
  const std::string back = to_string(log.programs()[1].recurrence->optimised());
  BOOST_TEST(back.find("  tiles [3, 7] row by row:") == 0u, back);
  BOOST_TEST(back.find("\n  product [3, 28] x packed [28, 7]\n  rows are independent\n") !=
                 std::string::npos,
             back);
  BOOST_TEST(back.find("call") == std::string::npos, back);
  // Four gates, tanh(c), c and h: seven numbers per unit, step and sample.
  BOOST_TEST(log.programs()[0].recurrence->read_by_gradient().size() == 7u);
}

BOOST_AUTO_TEST_CASE(join_returns_a_product_that_only_the_loop_reads) {
  const Tensor w = parameter(normal({4, 7}, 1), "w"), v = parameter(normal({4, 7}, 2), "v"),
               u = parameter(normal({7, 7}, 3), "u");
  const auto program_of_rows = [&](int64_t rows) {
    const auto step = [&](const Tensor& x, const State& s) {
      const Tensor shown = matmul(x, v), from_x = matmul(x, w), from_h = matmul(s[0], u);
      return Step{shown, {tanh(from_x + from_h)}};
    };
    const ProgramLog log;
    scan(step, normal({rows, 5, 4}), {zeros({rows, 7}, float64)});
    return log.programs().at(0).recurrence;
  };
  const RecurrenceRef many = program_of_rows(8);
  const Program hoisted = hoist(many->normalised());
  BOOST_CHECK_EQUAL(
      from("before", hoisted),
      "before\n"
      "  %5 = matmul(%3:x, %0:v)                                  [8, 7] float64  over time\n"
      "  %6 = matmul(%3:x, %1:w)                                  [8, 7] float64  over time\n"
      "loop\n"
      "  %7 = matmul(%4:state, %2:u)                              [8, 7] float64\n"
      "  %8 = add(%6, %7)                                         [8, 7] float64\n"
      "  %9 = tanh(%8)                                            [8, 7] float64\n"
      "results\n"
      "  sequence %5\n"
      "  last     %9\n");
  BOOST_CHECK_EQUAL(
      from("before", join(hoisted)),
      "before\n"
      "  %5 = matmul(%3:x, %0:v)                                  [8, 7] float64  over time\n"
      "loop\n"
      "  %6 = matmul(%3:x, %1:w)                                  [8, 7] float64\n"
      "  %7 = matmul(%4:state, %2:u)                              [8, 7] float64\n"
      "  %8 = add(%6, %7)                                         [8, 7] float64\n"
      "  %9 = tanh(%8)                                            [8, 7] float64\n"
      "results\n"
      "  sequence %5\n"
      "  last     %9\n");
  BOOST_CHECK_EQUAL(to_string(many->optimised()),
                    "  product [8, 4] x packed [4, 7] + [8, 7] x packed [7, 7]\n"
                    "  tiles [8, 7] in one run: tanh\n"
                    "  rows are independent\n");
  const Program few = hoist(program_of_rows(7)->normalised());
  BOOST_CHECK_EQUAL(to_string(join(few)), to_string(few));
}

BOOST_AUTO_TEST_CASE(split_parts_a_product_with_the_input_from_one_with_the_state) {
  const Tensor w = parameter(normal({11, 7}, 1), "w");
  const auto step = [&](const Tensor& x, const State& s) {
    Tensor next = matmul(concat({x, s[0]}), w);
    return Step{next, {next}};
  };
  const ProgramLog log;
  scan(step, normal({3, 5, 4}), {zeros({3, 7}, float64)});
  const Program& written = log.programs().at(0).recurrence->as_written();
  BOOST_CHECK_EQUAL(from("loop", written),
                    "loop\n"
                    "  %3 = concat(%1:x, %2:state; axis=-1)                     [3, 11] float64\n"
                    "  %4 = matmul(%3, %0:w)                                    [3, 7] float64\n"
                    "results\n"
                    "  sequence %4\n"
                    "  last     %4\n");
  BOOST_CHECK_EQUAL(from("loop", split(written)),
                    "loop\n"
                    "  %5 = slice(%0:w; axis=-2, begin=0, end=4)                [4, 7] float64\n"
                    "  %6 = matmul(%1:x, %5)                                    [3, 7] float64\n"
                    "  %7 = slice(%0:w; axis=-2, begin=4, end=11)               [7, 7] float64\n"
                    "  %8 = matmul(%2:state, %7)                                [3, 7] float64\n"
                    "  %4 = add(%6, %8)                                         [3, 7] float64\n"
                    "results\n"
                    "  sequence %4\n"
                    "  last     %4\n");
}

BOOST_AUTO_TEST_CASE(the_passes_before_the_gradient_split_and_merge) {
  const Tensor w = parameter(normal({11, 7}, 1), "w");
  const auto step = [&](const Tensor& x, const State& s) {
    Tensor next = matmul(concat({x, s[0]}), w);
    return Step{next, {next}};
  };
  const ProgramLog log;
  scan(step, normal({3, 5, 4}), {zeros({3, 7}, float64)});
  const Program& written = log.programs().at(0).as_written;
  BOOST_CHECK_EQUAL(from("loop", run_passes(before_gradient, written)),
                    "loop\n"
                    "  %5 = slice(%0:w; axis=-2, begin=0, end=4)                [4, 7] float64\n"
                    "  %7 = slice(%0:w; axis=-2, begin=4, end=11)               [7, 7] float64\n"
                    "  %6 = matmul(%1:x, %5)                                    [3, 7] float64\n"
                    "  %8 = matmul(%2:state, %7)                                [3, 7] float64\n"
                    "  %4 = add(%6, %8)                                         [3, 7] float64\n"
                    "results\n"
                    "  sequence %4\n"
                    "  last     %4\n");
}

BOOST_AUTO_TEST_CASE(merge_makes_one_product_of_those_with_one_left_side) {
  const Tensor f = parameter(normal({7, 7}, 1), "f"), g = parameter(normal({7, 7}, 2), "g"),
               b = parameter(normal({7}, 3), "b"), c = parameter(normal({7}, 4), "c");
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor a = matmul(s[0], f) + b, d = matmul(s[0], g) + c;
    Tensor next = tanh(a) * d + x;
    return Step{next, {next}};
  };
  const ProgramLog log;
  scan(step, normal({48, 5, 7}), {zeros({48, 7}, float64)});
  const Program& written = log.programs().at(0).recurrence->as_written();
  BOOST_CHECK_EQUAL(from("loop", written),
                    "loop\n"
                    "  %6 = matmul(%5:state, %0:f)                              [48, 7] float64\n"
                    "  %7 = add(%6, %1:b)                                       [48, 7] float64\n"
                    "  %8 = matmul(%5:state, %2:g)                              [48, 7] float64\n"
                    "  %9 = add(%8, %3:c)                                       [48, 7] float64\n"
                    "  %10 = tanh(%7)                                           [48, 7] float64\n"
                    "  %11 = multiply(%10, %9)                                  [48, 7] float64\n"
                    "  %12 = add(%11, %4:x)                                     [48, 7] float64\n"
                    "results\n"
                    "  sequence %12\n"
                    "  last     %12\n");
  BOOST_CHECK_EQUAL(from("loop", merge(written)),
                    "loop\n"
                    "  %13 = concat(%0:f, %2:g; axis=-1)                        [7, 14] float64\n"
                    "  %14 = matmul(%5:state, %13)                              [48, 14] float64\n"
                    "  %17 = concat(%1:b, %3:c; axis=-1)                        [14] float64\n"
                    "  %18 = add(%14, %17)                                      [48, 14] float64\n"
                    "  %7, %9 = split(%18; axis=-1, sizes=[7, 7])               [48, 7] float64\n"
                    "  %10 = tanh(%7)                                           [48, 7] float64\n"
                    "  %11 = multiply(%10, %9)                                  [48, 7] float64\n"
                    "  %12 = add(%11, %4:x)                                     [48, 7] float64\n"
                    "results\n"
                    "  sequence %12\n"
                    "  last     %12\n");
}

BOOST_AUTO_TEST_CASE(schedule_runs_products_before_what_is_elementwise) {
  const Tensor f = parameter(normal({7, 7}, 1), "f"), g = parameter(normal({7, 7}, 2), "g");
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor early = abs(s[0]), a = tanh(matmul(s[0], f)), b = matmul(x, f);
    const Tensor c = matmul(s[0], g), sum_of = b + c;
    Tensor next = a * sum_of * early;
    return Step{next, {next}};
  };
  const ProgramLog log;
  scan(step, normal({3, 5, 7}), {zeros({3, 7}, float64)});
  const Program& written = log.programs().at(0).recurrence->as_written();
  BOOST_CHECK_EQUAL(from("loop", written),
                    "loop\n"
                    "  %4 = abs(%3:state)                                       [3, 7] float64\n"
                    "  %5 = matmul(%3:state, %0:f)                              [3, 7] float64\n"
                    "  %6 = tanh(%5)                                            [3, 7] float64\n"
                    "  %7 = matmul(%2:x, %0:f)                                  [3, 7] float64\n"
                    "  %8 = matmul(%3:state, %1:g)                              [3, 7] float64\n"
                    "  %9 = add(%7, %8)                                         [3, 7] float64\n"
                    "  %10 = multiply(%6, %9)                                   [3, 7] float64\n"
                    "  %11 = multiply(%10, %4)                                  [3, 7] float64\n"
                    "results\n"
                    "  sequence %11\n"
                    "  last     %11\n");
  BOOST_CHECK_EQUAL(from("loop", schedule(written)),
                    "loop\n"
                    "  %5 = matmul(%3:state, %0:f)                              [3, 7] float64\n"
                    "  %7 = matmul(%2:x, %0:f)                                  [3, 7] float64\n"
                    "  %8 = matmul(%3:state, %1:g)                              [3, 7] float64\n"
                    "  %9 = add(%7, %8)                                         [3, 7] float64\n"
                    "  %4 = abs(%3:state)                                       [3, 7] float64\n"
                    "  %6 = tanh(%5)                                            [3, 7] float64\n"
                    "  %10 = multiply(%6, %9)                                   [3, 7] float64\n"
                    "  %11 = multiply(%10, %4)                                  [3, 7] float64\n"
                    "results\n"
                    "  sequence %11\n"
                    "  last     %11\n");
}

// Nor are zeros added, which are the gradients of what it would choose elsewhere.
BOOST_AUTO_TEST_CASE(a_condition_that_holds_is_not_asked) {
  const ProgramLog log;
  const auto step = [](const Tensors& x, const State& s) {
    const Tensor next = tanh(x[0] * s[0]), other = s[1] + next;
    return Step{where(x[1], next, 0), {where(x[1], next, s[0]), where(x[1], other, s[1])}};
  };
  const Tensor x = parameter(normal({3, 5, 7})), counts = normal({3, 5, 1}) > 0,
               zero = zeros({3, 7}, float64);
  const Scanned done = scan(step, {x, counts}, {zero, zero});
  gradient(sum(done.output) + sum(done.state[1]), Tensors{x});
  for (const LoggedProgram& l : log.programs()) {
    const Program& p = l.recurrence->normalised();
    BOOST_TEST(from("loop", p).find("where") != std::string::npos);
    const Program made = without_condition(p, p.input(l.recurrence->condition().value()));
    verify(made, p);
    BOOST_TEST(from("loop", made).find("where") == std::string::npos, from("loop", made));
    const Tensors expected = results_of(p, 5), got = results_of(made, 5);
    for (std::size_t k = 0; k < got.size(); ++k)
      check_close(l.what + " " + std::to_string(k), got[k], expected[k], 1e-12);
  }
  BOOST_TEST(log.programs().size() == 2u);
  const Program& forward = log.programs().at(0).recurrence->normalised();
  BOOST_TEST(without_condition(forward, forward.sequences[1]).loop.size() == 3u);
}

BOOST_AUTO_TEST_CASE(sink_does_what_is_linear_on_sums) {
  const Tensor bias = parameter(normal({2, 7}, 1), "bias");
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {
    Tensor next = (s[0] + take(bias, 1)) * x;
    return Step{next, {next}};
  };
  const Scanned r = scan(step, normal({3, 5, 7}), {zeros({3, 7}, float64)});
  gradient(sum(r.output), Tensors{bias});
  const Program& normalised = log.programs().at(1).recurrence->normalised();
  BOOST_CHECK_EQUAL(from("loop", normalised),
                    "loop\n"
                    "  %3 = add(%0:dy, %1:dstate)                               [3, 7] float64\n"
                    "  %4 = multiply(%3, %2:x)                                  [3, 7] float64\n"
                    "  %5 = sum_to(%4; shape=[7])                               [7] float64\n"
                    "  %6 = reshape(%5; shape=[1, 7])                           [1, 7] float64\n"
                    "  %7 = pad(%6; axis=-2, before=1, after=0)                 [2, 7] float64\n"
                    "results\n"
                    "  sum      %7\n");
  BOOST_CHECK_EQUAL(
      from("before", sink(normalised)),
      "before\n"
      "  %8 = fill(value=0, shape=[3, 7], dtype=1)                [3, 7] float64  once\n"
      "loop\n"
      "  %3 = add(%0:dy, %1:dstate)                               [3, 7] float64\n"
      "  %4 = multiply(%3, %2:x)                                  [3, 7] float64\n"
      "  %9 = add(%8, %4)                                         [3, 7] float64  summed over "
      "time\n"
      "after\n"
      "  %5 = sum_to(%9; shape=[7])                               [7] float64  once\n"
      "  %6 = reshape(%5; shape=[1, 7])                           [1, 7] float64  once\n"
      "  %7 = pad(%6; axis=-2, before=1, after=0)                 [2, 7] float64  once\n"
      "results\n"
      "  sum      %7\n");
}

BOOST_AUTO_TEST_CASE(what_folds_rows_runs_row_by_row_with_what_is_elementwise) {
  const Tensor u = parameter(normal({7, 7}, 1));
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor a = matmul(s[0], u) + x, centred = a - mean(a, -1, true);
    Tensor next = centred * max(abs(centred), -1, true);
    return Step{next, {next}};
  };
  const ProgramLog log;
  scan(step, normal({3, 5, 7}), {zeros({3, 7}, float64)});
  BOOST_CHECK_EQUAL(to_string(log.programs().at(0).recurrence->optimised()),
                    "  product [3, 7] x packed [7, 7]\n"
                    "  tiles [3, 7] row by row: add sum divide subtract abs max multiply\n"
                    "  rows are independent\n");
}

BOOST_AUTO_TEST_CASE(what_is_repeated_stays_narrow_and_sums_of_negatives_are_negatives_of_sums) {
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor a = s[0] * x;
    Tensor next = a - mean(square(a), -1, true);
    return Step{next, {next}};
  };
  const Tensor x = parameter(normal({3, 5, 7}));
  gradient(sum(scan(step, x, {zeros({3, 7}, float64)}).output), Tensors{x});
  const Program& normalised = log.programs().at(1).recurrence->normalised();
  BOOST_CHECK_EQUAL(from("loop", normalised),
                    "loop\n"
                    "  %4 = fill(value=7, shape=[], dtype=1)                    [] float64\n"
                    "  %5 = multiply(%3:kept, %2:x)                             [3, 7] float64\n"
                    "  %6 = add(%0:dy, %1:dstate)                               [3, 7] float64\n"
                    "  %7 = negative(%6)                                        [3, 7] float64\n"
                    "  %8 = sum_to(%7; shape=[3, 1])                            [3, 1] float64\n"
                    "  %9 = divide(%8, %4)                                      [3, 1] float64\n"
                    "  %10 = broadcast_to(%9; shape=[3, 7])                     [3, 7] float64\n"
                    "  %11 = fill(value=2, shape=[], dtype=1)                   [] float64\n"
                    "  %12 = multiply(%11, %10)                                 [3, 7] float64\n"
                    "  %13 = multiply(%12, %5)                                  [3, 7] float64\n"
                    "  %14 = add(%6, %13)                                       [3, 7] float64\n"
                    "  %15 = multiply(%14, %2:x)                                [3, 7] float64\n"
                    "  %16 = multiply(%14, %3:kept)                             [3, 7] float64\n"
                    "results\n"
                    "  sequence %16\n");
  BOOST_CHECK_EQUAL(from("loop", negate(narrow(normalised))),
                    "loop\n"
                    "  %4 = fill(value=7, shape=[], dtype=1)                    [] float64\n"
                    "  %5 = multiply(%3:kept, %2:x)                             [3, 7] float64\n"
                    "  %6 = add(%0:dy, %1:dstate)                               [3, 7] float64\n"
                    "  %18 = sum_to(%6; shape=[3, 1])                           [3, 1] float64\n"
                    "  %8 = negative(%18)                                       [3, 1] float64\n"
                    "  %9 = divide(%8, %4)                                      [3, 1] float64\n"
                    "  %11 = fill(value=2, shape=[], dtype=1)                   [] float64\n"
                    "  %17 = multiply(%11, %9)                                  [3, 1] float64\n"
                    "  %13 = multiply(%17, %5)                                  [3, 7] float64\n"
                    "  %14 = add(%6, %13)                                       [3, 7] float64\n"
                    "  %15 = multiply(%14, %2:x)                                [3, 7] float64\n"
                    "  %16 = multiply(%14, %3:kept)                             [3, 7] float64\n"
                    "results\n"
                    "  sequence %16\n");
}

BOOST_AUTO_TEST_CASE(a_streams_passes_compute_fixed_values_once_and_refuse_first) {
  const Tensor table = parameter(normal({5, 7}, 1), "table"), w = parameter(normal({7}, 2), "w");
  const sdk::Op index("index");
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor h = reshape(reshape(s[0] * tanh(w), {3, 1, 7}), {3, 7});
    Tensor next = h + gather(table, index(x + x, {{"bound", int64_t{5}}}));
    return Step{next, {next}};
  };
  const ProgramLog log;
  scan(step, zeros({3, 5}, int64), {zeros({3, 7}, float64)});
  const Program& written = log.programs().at(0).recurrence->as_written();
  BOOST_CHECK_EQUAL(from("loop", written),
                    "loop\n"
                    "  %4 = tanh(%0:w)                                          [7] float64\n"
                    "  %5 = multiply(%3:state, %4)                              [3, 7] float64\n"
                    "  %6 = reshape(%5; shape=[3, 1, 7])                        [3, 1, 7] float64\n"
                    "  %7 = reshape(%6; shape=[3, 7])                           [3, 7] float64\n"
                    "  %8 = add(%2:x, %2:x)                                     [3] int64\n"
                    "  %9 = index(%8; bound=5)                                  [3] int64\n"
                    "  %10 = gather(%1:table, %9)                               [3, 7] float64\n"
                    "  %11 = add(%7, %10)                                       [3, 7] float64\n"
                    "results\n"
                    "  sequence %11\n"
                    "  last     %11\n");
  BOOST_CHECK_EQUAL(from("before", run_passes(for_stream, written)),
                    "before\n"
                    "  %4 = tanh(%0:w)                                          [7] float64  once\n"
                    "loop\n"
                    "  %8 = add(%2:x, %2:x)                                     [3] int64\n"
                    "  %9 = index(%8; bound=5)                                  [3] int64\n"
                    "  %5 = multiply(%3:state, %4)                              [3, 7] float64\n"
                    "  %10 = gather(%1:table, %9)                               [3, 7] float64\n"
                    "  %11 = add(%5, %10)                                       [3, 7] float64\n"
                    "results\n"
                    "  sequence %11\n"
                    "  last     %11\n");
  check_passes("a stream's step", written);
}

BOOST_AUTO_TEST_CASE(a_formulas_passes_compute_once_what_its_numbers_give) {
  const ProgramLog log;
  const Formula formula(
      [](const Tensors& x, const Tensors& numbers) {
        const Tensor rate = 2.0 * numbers[0], unread = x[0] * x[1];
        const Tensor change = rate * x[1];
        return Tensors{x[0] - change};
      },
      {float64, {4}}, 2, 1);
  const Program& written = log.programs().at(0).as_written;
  BOOST_CHECK_EQUAL(from("before", run_passes(for_formula, written)),
                    "before\n"
                    "  %3 = fill(value=2, shape=[], dtype=1)                    [] float64  once\n"
                    "  %4 = multiply(%3, %0)                                    [] float64  once\n"
                    "loop\n"
                    "  %6 = multiply(%4, %2)                                    [4] float64\n"
                    "  %7 = subtract(%1, %6)                                    [4] float64\n"
                    "results\n"
                    "  sequence %7\n");
}

BOOST_AUTO_TEST_CASE(a_value_stands_for_itself_where_it_has_a_gradient_of_its_own) {
  const ProgramLog log;
  const auto step = [](const Tensor& x, const State& s) {
    const Tensor u = s[0] + x, slope = square(u);  // slope: for the rule alone
    Tensor next = custom_gradient(tanh(u), {u}, [&](const Tensor& dy) { return dy * slope; });
    return Step{next, {next}};
  };
  const Tensor x = parameter(normal({3, 5, 7}));
  gradient(sum(scan(step, x, {zeros({3, 7}, float64)}).output), {x});
  BOOST_REQUIRE_EQUAL(log.programs().size(), 2u);
  const Program& forward = log.programs()[0].recurrence->normalised();
  BOOST_CHECK_EQUAL(from("loop", forward),
                    "loop\n"
                    "  %2 = add(%1:state, %0:x)                                 [3, 7] float64\n"
                    "  %3 = square(%2)                                          [3, 7] float64\n"
                    "  %4 = tanh(%2)                                            [3, 7] float64\n"
                    "  %5 = custom_gradient(%4, %2, %3; rule=...)               [3, 7] float64\n"
                    "results\n"
                    "  sequence %5\n"
                    "  last     %5\n");
  BOOST_CHECK_EQUAL(from("loop", without_rules(forward)),
                    "loop\n"
                    "  %2 = add(%1:state, %0:x)                                 [3, 7] float64\n"
                    "  %4 = tanh(%2)                                            [3, 7] float64\n"
                    "results\n"
                    "  sequence %4\n"
                    "  last     %4\n");
  for (const LoggedProgram& p : log.programs())
    check_passes(std::string("with a rule, ") + p.what, p.recurrence->normalised());
  const std::string gradient_text = to_string(log.programs()[1].recurrence->optimised().program());
  BOOST_TEST(gradient_text.find("custom_gradient") == std::string::npos, gradient_text);
}

BOOST_AUTO_TEST_CASE(what_is_cheap_to_make_again_is_not_kept) {
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor a = tanh(x + s[0]), b = sigmoid(x - s[0]);
    const Tensor both = a * b, most = maximum(both, 0.5 * a);
    Tensor next = both * most * exp(both);
    return Step{next, {next}};
  };
  const Tensor x = parameter(normal({3, 5, 7}));
  const auto gradient_of = [&](bool plain) {
    const Tensor y = scan(step, x, {zeros({3, 7}, float64)}, {.plain = plain}).output;
    return gradient(sum(square(y)), {x})[0];
  };
  check_close("made again", gradient_of(false), gradient_of(true), 1e-12);
  BOOST_CHECK_EQUAL(log.programs().at(0).recurrence->read_by_gradient().size(),
                    3u);  // a, b and exp
}

// Products with a value that is no weight, or of two activations, stay as they are.
BOOST_AUTO_TEST_CASE(quantise_marks_products_with_weights) {
  const auto numbers = [](const Shape& shape, int64_t key) {
    return cast(normal(shape, key), float32);
  };
  const Tensor kernel = parameter(numbers({4, 6}, 1), "rnn/kernel"),
               recurrent = parameter(numbers({6, 6}, 2), "rnn/recurrent"),
               heads = parameter(numbers({2, 3, 3}, 3), "rnn/heads"),
               no_weight = numbers({6, 6}, 4), no_heads = numbers({2, 3, 3}, 5);
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor input = matmul(expand_dims(x, 1), kernel), blocks = reshape(s[0], {3, 2, 1, 3});
    Tensor sum = squeeze(input, 1) + matmul(s[0], recurrent, false, true);
    for (const Tensor& w : {heads, no_heads}) sum = sum + reshape(matmul(blocks, w), {3, 6});
    Tensor next = 0.1 * (sum + matmul(s[0], no_weight));
    return Step{next, {next}};
  };
  const Tensor x = numbers({3, 5, 4}, 6), first = numbers({3, 6}, 7);
  check_close("as the plain loop", scan(step, x, {first}).output,
              scan(step, x, {first}, {.plain = true}).output, 1e-5);
  const Program given = log.programs().at(0).recurrence->normalised();
  const Program p = quantise(given);
  verify(p, given);
  const Tensors exact = results_of(given, 4), rounded = results_of(p, 4);
  for (std::size_t i = 0; i < exact.size(); ++i)
    check_close("rounded, result " + std::to_string(i), rounded[i], exact[i], 0.03);
  std::string products;
  for (const Instruction& i : p.loop) {
    const bool of_blocks = i.is(block_matmul_op), marked = i.is_set(runs_in_int8);
    if (!of_blocks && !i.is(matmul_op)) continue;
    if (marked) BOOST_TEST(p.shape(i.inputs[0]).rank() == (of_blocks ? 3 : 2));
    products += (of_blocks ? "blocks of " : "product with ") + p[i.inputs[1]].name +
                (marked ? " in int8, " : " in float, ");
  }
  BOOST_TEST(products ==
             "product with rnn/kernel in int8, product with rnn/recurrent in int8, "
             "blocks of rnn/heads in int8, blocks of  in float, product with  in float, ");
}

// --- they change nothing

BOOST_AUTO_TEST_CASE(a_program_computes_the_same_after_each_pass_alone_and_after_each_pipeline) {
  for (const ScanCase& c : scan_cases())
    for (const DType dtype : {float32, float64}) {
      const auto of_dtype = [dtype](const Tensors& tensors) {
        Tensors out;
        for (const Tensor& t : tensors) out.push_back(parameter(cast(t, dtype)));
        return out;
      };
      const Tensors x = of_dtype(c.x), state = of_dtype(c.state), captured = of_dtype(c.captured);
      Tensors inputs = x;
      for (const Tensors& more : {state, captured})
        inputs.insert(inputs.end(), more.begin(), more.end());
      const ProgramLog log;
      const auto step = [&](const Tensors& xs, const State& s) { return c.step(xs, s, captured); };
      gradient(sum(square(scan(step, x, state).output)), inputs);
      for (const LoggedProgram& p : log.programs())
        check_passes(std::string(c.name) + " " + name_of(dtype) + ", " + p.what,
                     p.recurrence->normalised());
    }
}

BOOST_AUTO_TEST_CASE(however_heads_are_written_they_are_one_product_of_blocks) {
  using Form = Tensor (*)(const Tensor& h, const Tensor& w);
  const Form forms[] = {
      [](const Tensor& h, const Tensor& w) { return squeeze(matmul(expand_dims(h, 2), w), 2); },
      [](const Tensor& h, const Tensor& w) {
        return squeeze(matmul(expand_dims(h, 3), w, true, false), 2);
      },
      [](const Tensor& h, const Tensor& w) { return einsum("bhd,hde->bhe", h, w); },
      [](const Tensor& h, const Tensor& w) {
        return swap_axes(matmul(swap_axes(h, 0, 1), w), 0, 1);
      },
      [](const Tensor& h, const Tensor& w) {
        return reshape(matmul(reshape(h, {3, 2, 1, 4}), expand_dims(w, 0)), {3, 2, 4});
      }};
  const Tensor w = parameter(normal({2, 4, 4}, 1), "w");
  for (const Form& form : forms) {
    const ProgramLog log;
    const auto step = [&](const Tensor&, const State& s) {
      const Tensor next = tanh(form(s[0], w));
      return Step{next, {next}};
    };
    scan(step, normal({3, 5, 2}), {zeros({3, 2, 4}, float64)});
    const TracedRecurrence& made = *log.programs().at(0).recurrence;
    BOOST_CHECK_EQUAL(
        from("loop", made.normalised()),
        "loop\n"
        "  %3 = block_matmul(%2:state, %0:w; transpose_b=0)         [3, 2, 4] float64\n"
        "  %4 = tanh(%3)                                            [3, 2, 4] float64\n"
        "results\n"
        "  sequence %4\n"
        "  last     %4\n");
    BOOST_CHECK_EQUAL(to_string(made.optimised()),
                      "  product [3, 2, 4] x packed [2, 4, 4]\n"
                      "  tiles [6, 4] in one run: tanh\n"
                      "  rows are independent\n");
  }
}

BOOST_AUTO_TEST_CASE(a_bias_before_the_second_product_is_added_in_passing) {
  const Tensor w = parameter(normal({2, 16}, 1), "w"), b = parameter(normal({16}, 2), "b"),
               r = parameter(normal({2, 4, 8}, 3), "r");
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor from_x = reshape(matmul(x, w) + b, {-1, 2, 8});
    const auto [a, c] = split<2>(from_x + einsum("bhd,hde->bhe", s[0], r));
    const Tensor next = tanh(a) * c;
    return Step{next, {next}};
  };
  const ProgramLog log;
  const Tensor x = normal({9, 5, 2}), first = normal({9, 2, 4}, 4);
  check_close("as the plain loop", scan(step, x, {first}).output,
              scan(step, x, {first}, {.plain = true}).output, 1e-12);
  BOOST_CHECK_EQUAL(to_string(log.programs().at(0).recurrence->optimised()),
                    "  product [9, 2] x packed [2, 16] + [9, 2, 4] x packed [2, 4, 8], plus a row\n"
                    "  tiles [18, 4] row by row: tanh multiply\n"
                    "  rows are independent\n");
}
