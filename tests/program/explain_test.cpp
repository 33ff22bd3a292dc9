// SPDX-License-Identifier: Apache-2.0
// What explain says of a run: FLOPs of each section, and what runs where.
#define BOOST_TEST_MODULE explain
#include "scan/explain.hpp"

#include <tempo/scan.hpp>

#include "program/run/cost.hpp"
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

}  // namespace

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
                    "  before  240 FLOPs a step: matmul (OpenBLAS)\n"
                    "  loop    432 FLOPs a step\n"
                    "  after   144 FLOPs a step: matmul (OpenBLAS)\n");
}

// What a product of [m, k] and [k, n], or of at and b, runs on.
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
  // All rows meet the same w; each h has a gradient of its own.
  costs_contain(0, "before  262144 FLOPs a step: " + on(false, 6 * 2 * 32, 64, 32));
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
