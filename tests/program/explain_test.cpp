// SPDX-License-Identifier: Apache-2.0
// The output of explain: the passes of each pipeline, FLOPs of each section, and what runs where.
#define BOOST_TEST_MODULE explain
#include "scan/explain.hpp"

#include <tempo/tempo.hpp>

#include "program/run/cost.hpp"
#include "scan/formula.hpp"
#include "scan/stream.hpp"
#include "tensor/cpu.hpp"
#include "tensor/products/matmul.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct Baseline {
  InstructionSet before = instruction_set();
  Baseline() { set_instruction_set(InstructionSet::baseline); }
  ~Baseline() { set_instruction_set(before); }
  Baseline(const Baseline&) = delete;
  Baseline& operator=(const Baseline&) = delete;
};

// The costs of a tanh recurrence over 40 steps and of its gradient.
std::vector<std::string> costs(int64_t batch, int64_t units) {
  const Tensor w = parameter(normal({4, units}, 1)), u = parameter(normal({units, units}, 2)),
               b = parameter(normal({units}, 3));
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {
    const Tensor input = matmul(x, w), recurrent = matmul(s[0], u);
    Tensor next = tanh(input + recurrent + b);
    return Step{next, {next}};
  };
  const State zero{zeros({batch, units}, float64)};
  gradient(sum(scan(step, normal({batch, 40, 4}), zero).output), Tensors{w, u, b});
  std::vector<std::string> texts;
  for (const LoggedProgram& l : log.programs())
    texts.push_back(cost_of(l.recurrence->optimised(), l.time));
  return texts;
}

// Checks that the text begins with the first of these, and has the others after it, in this order.
void check_says(const std::string& text, const std::vector<std::string>& parts) {
  BOOST_TEST(text.starts_with(parts[0]), text);
  std::size_t at = 0;
  for (const std::string& part : parts) {
    const std::size_t found = text.find(part, at);
    BOOST_TEST(found != text.npos, part << " is not there, or too early, in\n" << text);
    if (found != text.npos) at = found;
  }
}

}  // namespace

// --- the passes of each pipeline, by the name of the pipeline

BOOST_AUTO_TEST_CASE(a_recurrence_is_shown_before_the_gradient_and_for_a_scan) {
  const Baseline kernels;
  const Tensor w = parameter(normal({5, 3}, 1), "w");
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {
    Tensor next = matmul(concat({x, s[0]}), w);
    return Step{next, {next}};
  };
  scan(step, normal({2, 6, 2}, 2), {zeros({2, 3}, float64)});
  check_says(explain(log.programs().at(0)),
             {"forward Program, as written\ninputs\n  %0:w  ",
              "\nforward Program, after split (before the gradient)\n",
              "\nforward Program, after hoist (for a scan)\n",
              "\neach step of the forward Program runs as\n  product [2, 3] x packed [3, 3]",
              "\nover 6 steps, in 1 shard, on baseline kernels:\n",
              " bytes kept for the gradient at each step\n"});
}

BOOST_AUTO_TEST_CASE(a_gradient_is_shown_for_a_scan_alone) {
  const Tensor w = parameter(normal({2, 3}, 1), "w");
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {
    Tensor next = tanh(matmul(x, w) + s[0]);
    return Step{next, {next}};
  };
  gradient(sum(scan(step, normal({2, 6, 2}, 2), {zeros({2, 3}, float64)}).output), Tensors{w});
  const std::string text = explain(log.programs().at(1));
  BOOST_TEST(text.starts_with("gradient Program, as written\ninputs (time reversed)\n"), text);
  BOOST_TEST(text.find("\ngradient Program, after sink (for a scan)\n") != text.npos, text);
  BOOST_TEST(text.find("before the gradient") == text.npos, text);
}

BOOST_AUTO_TEST_CASE(a_stream_is_shown_before_the_gradient_and_for_a_stream) {
  const Baseline kernels;
  const Tensor w = parameter(normal({5, 3}, 1), "w");
  const auto step = [&](const Tensor& x, const State& s) {
    Tensor next = matmul(concat({x, s[0]}), w);
    return Step{next, {next}};
  };
  const ProgramLog log;
  const Streamer streamer(
      [&](const Tensors& x) {
        return scan(step, expand_dims(x[0], 1), {zeros({2, 3}, float64)}, {.last_only = true})
            .output;
      },
      {{float64, {2, 2}}});
  BOOST_REQUIRE_EQUAL(log.programs().size(), 1u);
  check_says(explain(log.programs()[0]),
             {"stream Program, as written\ninputs\n  %0:w  ",
              "\nstream Program, after split (before the gradient)\n",
              "\nstream Program, after without reshapes (before the gradient)\n",
              "\nstream Program, after fixed first (for a stream)\n",
              "\neach step of the stream Program runs as\n  product [2, 2] x packed [2, 3]",
              "\nover 1 step, in 1 shard, on baseline kernels:\n"});
}

BOOST_AUTO_TEST_CASE(a_formula_is_shown_for_a_formula) {
  const Baseline kernels;
  const ProgramLog log;
  const Formula formula(
      [](const Tensors& x, const Tensors& numbers) {
        const Tensor rate = 2.0 * numbers[0];
        return Tensors{x[0] - rate * x[1]};
      },
      {float64, {4}}, 2, 1);
  BOOST_REQUIRE_EQUAL(log.programs().size(), 1u);
  check_says(
      explain(log.programs()[0]),
      {"formula Program, as written\ninputs\n", "\nformula Program, after hoist (for a formula)\n",
       "\neach step of the formula Program runs as\n  tiles [1, 4]",
       "\nover 1 step, in 1 shard, on baseline kernels:\n"});
}

BOOST_AUTO_TEST_CASE(a_model_is_explained_as_a_stream) {
  const Sequential model({SimpleRNN({.units = 3}), Dense({.units = 1})});
  model(zeros({1, 2, 4}));
  const std::string text = explain(model, StreamOptions{.batch = 2});
  BOOST_TEST(text.starts_with("sequential as a stream, from [2, 4] to [2, 1]\n"
                              "\nstream Program, as written\ninputs\n"),
             text);
  for (const char* part :
       {"\nstream Program, after without reshapes (before the gradient)\n",
        "\neach step of the stream Program runs as\n", "\nover 1 step, in 1 shard"})
    BOOST_TEST(text.find(part) != text.npos, part << " is not in\n" << text);
  BOOST_TEST(text.find("Program, as written") == text.rfind("Program, as written"), text);
  BOOST_TEST(error_of([&] {
               explain(model, StreamOptions{.batch = 0});
             }).starts_with("Stream: .batch is 0; it must be at least 1."));
}

BOOST_AUTO_TEST_CASE(an_optimizer_is_explained_by_its_formula) {
  const Optimizer adam("adam");
  const std::string text = explain(adam, {4, 3});
  BOOST_TEST(text.starts_with(adam.text() + " on [4, 3] float32\n\nformula Program, as written\n"),
             text);
  for (const char* part : {"\nformula Program, after hoist (for a formula)\n",
                           "\neach step of the formula Program runs as\n  tiles [1, 12]"})
    BOOST_TEST(text.find(part) != text.npos, part << " is not in\n" << text);
  BOOST_TEST(text.find("Program, as written") == text.rfind("Program, as written"), text);
  const Optimizer adafactor("adafactor");
  BOOST_CHECK_EQUAL(explain(adafactor, {4, 3}),
                    adafactor.text() +
                        " on [4, 3] float32\n\nIts formula is not elementwise: no loop runs it, "
                        "each op runs once.\n");
  BOOST_TEST(adam.iterations() == 0);
  BOOST_TEST(adam.state().size() == 1u);  // the iterations: it remembers no weight
}

// --- the costs

BOOST_AUTO_TEST_CASE(each_section_has_its_flops_and_kernels) {
  const Baseline kernels;
  const std::vector<std::string> texts = costs(3, 7);
  BOOST_REQUIRE_EQUAL(texts.size(), 2u);
  // x w: 2 x 3 x 4 x 7; h u: 2 x 3 x 7 x 7, two additions and a tanh of [3, 7]
  BOOST_CHECK_EQUAL(texts[0],
                    "over 40 steps, in 1 shard, on baseline kernels:\n"
                    "  before  168 FLOPs a step: matmul (baseline)\n"
                    "  loop    357 FLOPs a step\n");
  // dz ut and four elementwise ops; the sum of dz, x^T dz and h^T dz
  BOOST_CHECK_EQUAL(texts[1],
                    "over 40 steps, in 1 shard, on baseline kernels:\n"
                    "  before  0 FLOPs a step; once: fill\n"
                    "  loop    378 FLOPs a step\n"
                    "  after   483 FLOPs a step: sum_to, matmul (OpenBLAS), matmul (OpenBLAS)\n");
}

BOOST_AUTO_TEST_CASE(what_waits_for_another_product_is_said) {
  const Baseline kernels;
  const Tensor u = normal({5, 5}, 1), v = normal({5, 4}, 2), w = normal({4, 3}, 3);
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {
    Tensor next = tanh(x + matmul(s[0], u));
    return Step{matmul(matmul(next, v), w), {next}};
  };
  scan(step, normal({2, 6, 5}, 4), {zeros({2, 5}, float64)});
  const LoggedProgram& l = log.programs().at(0);
  BOOST_CHECK_EQUAL(cost_of(l.recurrence->optimised(), l.time),
                    "over 6 steps, in 1 shard, on baseline kernels:\n"
                    "  loop    120 FLOPs a step\n"
                    "  after   128 FLOPs a step: matmul (baseline); then matmul (baseline)\n");
}

BOOST_AUTO_TEST_CASE(a_product_of_many_matrices_has_the_flops_of_all) {
  const Baseline kernels;
  const Tensor w = normal({5, 3}, 1), v = normal({2, 3, 3}, 2);
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {  // [2, 4, 5], [2, 4, 3]
    Tensor likeness = matmul(s[0], s[0], false, true);      // [2, 4, 4]
    Tensor next = tanh(matmul(x, w) + matmul(likeness, s[0]));
    return Step{matmul(next, v), {next}};
  };
  scan(step, normal({2, 6, 4, 5}, 4), {zeros({2, 4, 3}, float64)});
  const LoggedProgram& l = log.programs().at(0);
  // x w: 2 x 8 x 5 x 3; h ht: 2 x 8 x 3 x 4, its product with h: 2 x 8 x 4 x 3, an addition and a
  // tanh of [2, 4, 3]; next v: 2 x 8 x 3 x 3
  BOOST_CHECK_EQUAL(cost_of(l.recurrence->optimised(), l.time),
                    "over 6 steps, in 1 shard, on baseline kernels:\n"
                    "  loop    672 FLOPs a step\n"
                    "  after   144 FLOPs a step: matmul (OpenBLAS)\n");
}

// The kernel for a product of [m, k] and [k, n], or with a transposed a.
std::string on(bool transpose_a, int64_t m, int64_t n, int64_t k) {
  const bool own = runs_on_own_kernels(float64, transpose_a ? Shape{k, m} : Shape{m, k}, {k, n},
                                       transpose_a, false, false);
  return std::string("matmul (") + (own ? name_of(instruction_set()) : "OpenBLAS") + ")";
}

BOOST_AUTO_TEST_CASE(a_product_of_many_matrices_runs_on_what_its_kernel_chooses) {
  const Tensor w = normal({32, 64}, 1), u = parameter(normal({2, 64, 64}, 2));
  const ProgramLog log;
  const auto step = [&](const Tensor& x, const State& s) {  // [2, 32, 32], [2, 32, 64]
    Tensor next = tanh(matmul(x, w) + matmul(s[0], u));
    return Step{next, {next}};
  };
  const State zero{zeros({2, 32, 64}, float64)};
  gradient(sum(scan(step, normal({2, 6, 32, 32}, 3), zero).output), Tensors{u});
  const auto costs_contain = [&](std::size_t i, const std::string& text) {
    const LoggedProgram& l = log.programs().at(i);
    const std::string costs = cost_of(l.recurrence->optimised(), l.time);
    BOOST_TEST(costs.find(text) != std::string::npos, costs << " has no " << text);
  };
  // All rows multiply the same w, within the loop; each h has its own gradient.
  costs_contain(0, "loop    794624 FLOPs a step");
  costs_contain(1, "after   524288 FLOPs a step: " + on(true, 64, 64, 32));
}

BOOST_AUTO_TEST_CASE(stretches_and_shards_are_said) {
  const Baseline kernels;
  const int before = threads();
  set_threads(2);
  const ShortStretches short_ones(16);
  const std::string text = costs(64, 96)[0];
  set_threads(before);
  BOOST_CHECK_EQUAL(text.substr(0, text.find('\n')),
                    "over 40 steps, 14 at a time, in 2 shards, on baseline kernels:");
}

BOOST_AUTO_TEST_CASE(stages_of_different_ranks_are_cut_along_the_leading_axis_without_a_state_too) {
  const auto step = [](const Tensor& x, const State&) {
    const Tensor heads = softmax(reshape(x, {8, 2, 3})), row = reshape(heads, {8, 6});
    return Step{row / sum(row, -1, true), {}};
  };
  const ProgramLog log;
  scan(step, normal({8, 5, 6}, 3), State{});
  const std::string text = to_string(log.programs().at(0).recurrence->optimised());
  BOOST_TEST(text.find("tiles [16, 3]") != text.npos, text);
  BOOST_TEST(text.find("tiles [8, 6]") != text.npos, text);
  BOOST_TEST(text.find("  rows are independent\n") != text.npos, text);
}

BOOST_AUTO_TEST_CASE(why_a_step_runs_in_one_shard_is_said) {
  struct Case {
    const char* what;
    std::function<Step(const Tensor& x, const State& s)> step;
    State state;
    std::string says;
  };
  const Tensor h = normal({8, 6}, 1);
  const Case cases[] = {
      {"rows that read no other",
       [](const Tensor& x, const State& s) {
         const Tensor next = tanh(x + s[0]);
         return Step{next, {next}};
       },
       {h},
       "  rows are independent\n"},
      {"an op that is called",
       [](const Tensor& x, const State& s) {
         const Tensor next = tanh(x + cumsum(s[0], -1));
         return Step{next, {next}};
       },
       {h},
       "  one shard: cumsum may read all rows\n"},
      {"a state of other rows",
       [](const Tensor& x, const State& s) {
         const Tensor next = tanh(x + s[0] + sum(s[1], -1, true)), other = 0.5 * s[1];
         return Step{next, {next, other}};
       },
       {h, normal({1, 3}, 2)},
       "  one shard: state 1, [1, 3], cannot be cut into 8\n"},
      {"one row",
       [](const Tensor& x, const State& s) {
         const Tensor next = tanh(x + cumsum(s[0], -1));
         return Step{next, {next}};
       },
       {normal({1, 6}, 1)},
       ""},
  };
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.what) {
      const ProgramLog log;
      scan(c.step, normal({c.state[0].shape()[0], 5, 6}, 3), c.state);
      const std::string text = to_string(log.programs().at(0).recurrence->optimised());
      if (c.says.empty())
        BOOST_TEST(text.find("one shard") == text.npos, text);
      else
        BOOST_TEST(text.find(c.says) != text.npos, text);
    }
}
