// SPDX-License-Identifier: Apache-2.0
// Concatenations and splits cost no step: their parts are copied only if something else holds
// them.
#define BOOST_TEST_MODULE parts
#include <tempo/scan.hpp>

#include "program_passes.hpp"
#include "scan/explain.hpp"

using namespace tempo;
using namespace tempo::testing;

BOOST_AUTO_TEST_CASE(parts_of_two_concatenations_are_copied) {
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor both = x * s[0];
    return Step{concat({both, x, both}), {both}};
  };
  const ProgramLog log;
  scan(step, normal({3, 5, 2}), {zeros({3, 2}, float64)});
  const Program& normalised = log.programs().at(0).recurrence->normalised();
  BOOST_CHECK_EQUAL(from("loop", own_parts(normalised)),
                    "loop\n"
                    "  %2 = multiply(%0:x, %1:state)                            [3, 2] float64\n"
                    "  %4 = cast(%2; dtype=1)                                   [3, 2] float64\n"
                    "  %5 = cast(%0:x; dtype=1)                                 [3, 2] float64\n"
                    "  %6 = cast(%2; dtype=1)                                   [3, 2] float64\n"
                    "  %3 = concat(%4, %5, %6; axis=-1)                         [3, 6] float64\n"
                    "results\n"
                    "  sequence %3\n"
                    "  last     %2\n");
}

BOOST_AUTO_TEST_CASE(parts_of_a_concatenation_that_others_read_too_are_copied) {
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor shown = x * s[0], summed = x + s[0], own = tanh(s[0]);
    const Tensor all = concat({shown, summed, own}), next = cumsum(summed, -1);
    return Step{shown, {next * sum(all, -1, true)}};
  };
  const ProgramLog log;
  scan(step, normal({3, 5, 2}), {zeros({3, 2}, float64)});
  BOOST_CHECK_EQUAL(from("loop", own_parts(log.programs().at(0).recurrence->normalised())),
                    "loop\n"
                    "  %2 = multiply(%0:x, %1:state)                            [3, 2] float64\n"
                    "  %3 = add(%0:x, %1:state)                                 [3, 2] float64\n"
                    "  %4 = tanh(%1:state)                                      [3, 2] float64\n"
                    "  %9 = cast(%2; dtype=1)                                   [3, 2] float64\n"
                    "  %10 = cast(%3; dtype=1)                                  [3, 2] float64\n"
                    "  %5 = concat(%9, %10, %4; axis=-1)                        [3, 6] float64\n"
                    "  %6 = cumsum(%3; axis=-1, reverse=0)                      [3, 2] float64\n"
                    "  %7 = sum(%5; axes=[-1], keepdims=1)                      [3, 1] float64\n"
                    "  %8 = multiply(%6, %7)                                    [3, 2] float64\n"
                    "results\n"
                    "  sequence %2\n"
                    "  last     %8\n");
}

BOOST_AUTO_TEST_CASE(parts_of_a_split_that_are_the_next_state_or_read_after_the_loop_are_copied) {
  const Tensor w = parameter(normal({2, 2}, 1), "w");
  const auto step = [&](const Tensor& x, const State& s) {
    auto [shown, next] = split<2>(x * sum(s[0], -1, true));
    return Step{matmul(shown, w), {next}};
  };
  const ProgramLog log;
  scan(step, normal({3, 5, 4}), {zeros({3, 2}, float64)});
  BOOST_CHECK_EQUAL(
      to_string(own_parts(sink(log.programs().at(0).recurrence->normalised()))),
      "inputs\n"
      "  %0:w                     fixed    [2, 2] float64\n"
      "  %1:x                     sequence [3, 4] float64\n"
      "  %2:state                 carried  [3, 2] float64  next %9\n"
      "loop\n"
      "  %3 = sum(%2:state; axes=[-1], keepdims=1)                [3, 1] float64\n"
      "  %4 = multiply(%1:x, %3)                                  [3, 4] float64\n"
      "  %5, %6 = split(%4; axis=-1, sizes=[2, 2])                [3, 2] float64\n"
      "  %8 = cast(%5; dtype=1)                                   [3, 2] float64\n"
      "  %9 = cast(%6; dtype=1)                                   [3, 2] float64\n"
      "after\n"
      "  %7 = matmul(%8, %0:w)                                    [3, 2] float64  over time\n"
      "results\n"
      "  sequence %7\n"
      "  last     %9\n");
}

BOOST_AUTO_TEST_CASE(a_part_of_a_split_that_leaves_the_step_is_copied) {
  const auto step = [&](const Tensor& x, const State& s) {
    auto [kept, rest] = split<2>(square(x));
    return Step{kept, {rest * s[0]}};
  };
  const ProgramLog log;
  scan(step, normal({3, 5, 4}), {zeros({3, 2}, float64)});
  const TracedRecurrence& recurrence = *log.programs().at(0).recurrence;
  BOOST_CHECK_EQUAL(from("loop", own_parts(recurrence.normalised())),
                    "loop\n"
                    "  %2 = square(%0:x)                                        [3, 4] float64\n"
                    "  %3, %4 = split(%2; axis=-1, sizes=[2, 2])                [3, 2] float64\n"
                    "  %6 = cast(%3; dtype=1)                                   [3, 2] float64\n"
                    "  %5 = multiply(%4, %1:state)                              [3, 2] float64\n"
                    "results\n"
                    "  sequence %6\n"
                    "  last     %5\n");
  BOOST_CHECK_EQUAL(to_string(recurrence.optimised()),
                    "  tiles [3, 4] in one run: square\n"
                    "  tiles [3, 2] row by row: cast multiply\n"
                    "  rows are independent\n"
                    "  channels are independent\n");
}
