// SPDX-License-Identifier: Apache-2.0
// Steps with matrix states equal their plain loop. They run as parts, in which the matrices go
// through time one after another, with the same bits on any number of threads.
#define BOOST_TEST_MODULE matrix_states
#include <functional>

#include <tempo/ops.hpp>
#include <tempo/scan.hpp>

#include "ops/known.hpp"
#include "plain_loop.hpp"
#include "program/plan/surroundings.hpp"
#include "program/verify.hpp"
#include "random_steps.hpp"
#include "scan/explain.hpp"
#include "tensor/cpu.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

using StepOf = std::function<Step(const Tensors& x, const State& s, const Tensors& captured)>;

// Sequences [batch, time, ...], states and captured tensors, by their shapes.
struct Case {
  std::string name;
  std::vector<Shape> x, state, captured;
  StepOf step;
  bool matrices = true;  // it runs as parts
  int64_t key = 0;
};

Tensor column(const Tensor& v) { return expand_dims(v, -1); }
Tensor row(const Tensor& v) { return expand_dims(v, -2); }
Tensor times(const Tensor& S, const Tensor& v) { return squeeze(matmul(S, column(v)), -1); }
Tensor in_heads(const Tensor& x, int64_t heads) {
  return reshape(x, {x.shape()[0], heads, x.shape().back() / heads});
}
Tensor joined(const Tensor& x) { return reshape(x, {x.shape()[0], x.count() / x.shape()[0]}); }
Tensor mild(const Tensor& x) { return 0.3 * tanh(x); }

// [batch, heads, rows, columns], all from one projection of x.
Case delta(const std::string& name, int64_t batch, int64_t time, int64_t heads, int64_t rows,
           int64_t columns) {
  const int64_t all = heads * (rows + 2 * columns + 2);
  return {name,
          {{batch, time, 5}},
          {{batch, heads, rows, columns}},
          {{5, all}, {heads}},
          [heads, rows, columns](const Tensors& x, const State& s, const Tensors& c) {
            const Tensors p = split(matmul(x[0], c[0]),
                                    {heads * rows, heads * columns, heads * columns, heads, heads});
            const Tensor v = in_heads(p[0], heads), k = mild(in_heads(p[1], heads)),
                         q = in_heads(p[2], heads);
            const Tensor a = sigmoid(p[3] + c[1]), b = sigmoid(p[4]);
            const Tensor kept = column(column(a)) * s[0];
            const Tensor change = column(b) * (v - times(kept, k));
            const Tensor next = kept + column(change) * row(k);
            return Step{.output = joined(times(next, q)), .state = {next}};
          }};
}

// One half of what is read goes back into the state, and the other is the output.
Case halves(const char* name, std::size_t back) {
  return {name,
          {{2, 5, 4}, {2, 5, 8}},
          {{2, 2, 4, 2}},
          {},
          [back](const Tensors& x, const State& s, const Tensors&) {
            const Tensors half = split(times(s[0], in_heads(x[0], 2)), {2, 2});
            return Step{.output = joined(half[1 - back]),
                        .state = {0.5 * s[0] + column(in_heads(x[1], 2)) * row(mild(half[back]))}};
          }};
}

std::vector<Case> cases() {
  return {
      delta("a delta rule", 3, 5, 2, 4, 3),
      delta("one row", 1, 5, 2, 4, 4),
      delta("one head", 3, 5, 1, 4, 4),
      delta("rows, heads, rows and columns of a matrix alike", 3, 5, 3, 3, 3),
      delta("as many heads as rows of a matrix", 2, 5, 4, 4, 2),
      delta("more steps than a segment", 2, 23, 2, 3, 4),
      delta("rows of a tile and some more", 1, 3, 2, 37, 33),
      delta("long rows", 1, 2, 2, 2, 700),
      {"a normaliser, a running maximum and outer products as matmul",
       {{3, 6, 8}, {3, 6, 8}, {3, 6, 8}, {3, 6, 2}},
       {{3, 2, 4, 4}, {3, 2, 4}, {3, 2}},
       {},
       [](const Tensors& x, const State& s, const Tensors&) {
         const Tensor q = in_heads(x[0], 2), k = in_heads(x[1], 2), v = in_heads(x[2], 2);
         const Tensor m = maximum(s[2] - 0.1, x[3]), keep = exp(s[2] - 0.1 - m),
                      write = exp(x[3] - m);
         const Tensor C = column(column(keep)) * s[0] +
                          matmul(column(column(write) * v), column(k), false, true);
         const Tensor n = column(keep) * s[1] + column(write) * k;
         const Tensor h = times(C, q) / maximum(abs(sum(n * q, -1, true)), 1.0);
         return Step{.output = joined(h), .state = {C, n, m}};
       }},
      {"a vector on the left, sums of rows, of columns and of all",
       {{2, 5, 3, 4}, {2, 5, 3, 3}},
       {{2, 3, 4, 3}},
       {{3, 1, 1}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor S = tanh(c[0] * s[0] + column(x[0]) * row(x[1]));
         const Tensor left = squeeze(matmul(row(x[0]), S), -2), of_all = sum(S * S, {-1, -2}, true);
         const Tensor rows = sum(S, -1), columns = sum(S * column(mild(x[0])), -2);
         const Tensor out = concat({left, columns, rows}, -1);
         return Step{.output = joined(out), .state = {S / (1 + of_all)}};
       }},
      {"an output that feeds back into the next step as a vector",
       {{2, 5, 8}},
       {{2, 2, 4, 4}, {2, 2, 4}},
       {{2, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor v = in_heads(x[0], 2) + c[0] * s[1];
         const Tensor S = 0.7 * s[0] + column(mild(v)) * row(mild(s[1]));
         const Tensor h = times(S, mild(v));
         return Step{.output = joined(h), .state = {S, tanh(h)}};
       }},
      {"what is made of the state before the step, and of the one after it",
       {{2, 5, 8}},
       {{2, 2, 4, 4}, {2, 8}},
       {},
       [](const Tensors& x, const State& s, const Tensors&) {
         const Tensor v = in_heads(x[0], 2), S = 0.5 * s[0] + column(v) * row(mild(v));
         const Tensor smooth = 0.5 * s[1] + joined(times(s[0], v) - times(S, v));
         return Step{.output = smooth, .state = {S, smooth}};
       }},
      {"matrices without heads, two of them",
       {{3, 5, 4}, {3, 5, 3}},
       {{3, 4, 3}, {3, 4, 3}},
       {},
       [](const Tensors& x, const State& s, const Tensors&) {
         const Tensor a = 0.5 * s[0] + column(x[0]) * row(x[1]), b = s[1] * 0.3 + a * column(x[0]);
         return Step{.output = times(a - b, x[1]), .state = {b, a}};
       }},
      halves("a split of what is read, of which the second half goes back", 1),
      halves("a split of what is read, of which the first half goes back", 0),
      {"a slice of what is read goes back, all of it is given out",
       {{2, 5, 4}, {2, 5, 8}},
       {{2, 2, 4, 2}},
       {},
       [](const Tensors& x, const State& s, const Tensors&) {
         const Tensor read = times(s[0], in_heads(x[0], 2));
         return Step{
             .output = joined(read),
             .state = {0.5 * s[0] + column(in_heads(x[1], 2)) * row(mild(slice(read, -1, 2, 4)))}};
       }},
      {"the whole state as an output",
       {{2, 5, 4}, {2, 5, 4}},
       {{2, 4, 4}},
       {},
       [](const Tensors& x, const State& s, const Tensors&) {
         const Tensor S = tanh(s[0] + column(x[0]) * row(x[1]));
         return Step{.output = S, .state = {S}};
       }},
      {"a dense product of what is read, in the loop",
       {{2, 5, 8}},
       {{2, 2, 4, 4}},
       {{8, 8}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor v = in_heads(x[0], 2), h = joined(times(s[0], v));
         const Tensor S = 0.5 * s[0] + column(in_heads(mild(matmul(h, c[0])), 2)) * row(mild(v));
         return Step{.output = h, .state = {S}};
       },
       false},
      {"a matrix state that no step changes",
       {{2, 5, 4}},
       {{2, 3, 4}, {2, 3}},
       {},
       [](const Tensors& x, const State& s, const Tensors&) {
         const Tensor h = tanh(s[1] + times(s[0], x[0]));
         return Step{.output = h, .state = {s[0], h}};
       },
       false},
      {"vectors that all heads share",
       {{3, 5, 4}, {3, 5, 8}},
       {{3, 2, 4, 4}},
       {},
       [](const Tensors& x, const State& s, const Tensors&) {
         const Tensor shared = expand_dims(x[0], 1);
         const Tensor S = 0.6 * s[0] + column(in_heads(x[1], 2)) * row(mild(shared));
         return Step{.output = joined(times(S, shared)), .state = {S}};
       }},
  };
}

struct Given {
  Tensors x, state, captured;
  Tensors all() const {
    Tensors every = x;
    every.insert(every.end(), state.begin(), state.end());
    every.insert(every.end(), captured.begin(), captured.end());
    return every;
  }
};
Given given(const Case& c, DType dtype) {
  int64_t key = c.key;
  const auto made = [&](const std::vector<Shape>& shapes) {
    Tensors out;
    for (const Shape& s : shapes) out.push_back(parameter(cast(0.5 * normal(s, ++key), dtype)));
    return out;
  };
  return {made(c.x), made(c.state), made(c.captured)};
}

// Combines all of them into one number.
Tensor loss_of(const Tensors& all) {
  Tensor total;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Tensor of_one = sum(
        sin(all[i]) * cast(normal(all[i].shape(), 500 + static_cast<int64_t>(i)), all[i].dtype()));
    total = total ? total + of_one : of_one;
  }
  return total;
}

Tensors run(const Case& c, const ScanOptions& options, DType dtype = float64, int order = 2) {
  const Given g = given(c, dtype);
  const auto step = [&](const Tensors& x, const State& s) { return c.step(x, s, g.captured); };
  const Scanned done = scan(step, g.x, g.state, options);
  Tensors results{done.output};
  results.insert(results.end(), done.state.begin(), done.state.end());
  for (Tensors last = results; order > 0; --order) {
    last = gradient(loss_of(last), g.all());
    results.insert(results.end(), last.begin(), last.end());
  }
  return results;
}

void check(const std::string& what, const Tensors& got, const Tensors& expected, double tolerance) {
  BOOST_REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    check_close(what + ", " + std::to_string(i), got[i], expected[i], tolerance);
}

bool in_matrices(const LoggedProgram& l) {
  return l.recurrence->optimised().plan().parts_together > 0;
}

}  // namespace

BOOST_AUTO_TEST_CASE(matrix_states_equal_the_plain_loop_to_second_order) {
  for (const Case& c : cases())
    for (const bool reverse : {false, true})
      for (const bool last_only : {false, true}) {
        const ScanOptions how{.reverse = reverse, .last_only = last_only};
        ScanOptions plain = how, again = how;
        plain.plain = again.recompute = true;
        const Tensors expected = run(c, plain);
        check(c.name, run(c, how), expected, 1e-10);
        check(c.name + ", computed again", run(c, again), expected, 1e-10);
        const ShortStretches few(2);
        check(c.name + ", in stretches", run(c, how), expected, 1e-10);
      }
}

BOOST_AUTO_TEST_CASE(matrix_states_equal_the_plain_loop_in_float32) {
  for (const Case& c : cases())
    check(c.name, run(c, {}, float32, 1), run(c, {.plain = true}, float32, 1), 2e-4);
}

BOOST_AUTO_TEST_CASE(matrices_run_one_after_the_other) {
  for (const Case& c : cases()) BOOST_TEST_CONTEXT(c.name) {
      const ProgramLog log;
      run(c, {}, float32, 1);
      const auto& logged = log.programs();
      const auto state = std::find_if(logged.begin(), logged.end(), [](const LoggedProgram& l) {
        return l.what == "matrix state";
      });
      BOOST_TEST((state != logged.end()) == c.matrices);
      if (state != logged.end()) BOOST_TEST(in_matrices(*state));
      for (const LoggedProgram& l : logged) {
        const Executable& runs = l.recurrence->optimised();
        verify(runs.program());
        verify_rows(runs.program(), runs.plan().independent_rows);
      }
    }
}

BOOST_AUTO_TEST_CASE(a_step_is_one_group_of_tiles_and_its_gradient_keeps_no_matrix_of_each_step) {
  const ProgramLog log;
  run(delta("a delta rule", 3, 20, 2, 16, 8), {}, float32, 1);
  BOOST_REQUIRE_GE(log.programs().size(), 3u);
  const std::string whole = explain(log.programs()[0]), state = explain(log.programs()[2]);
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  BOOST_TEST(has(whole, "it runs as the Programs that follow, one after the other"), whole);
  BOOST_TEST(log.programs()[1].what == "before the matrix state");
  BOOST_TEST(log.programs()[2].what == "matrix state");
  const std::string compiled = instruction_set() == InstructionSet::baseline ? ":" : ", compiled:";
  const std::string runs = "  tiles [96, 8], matrices of 16 rows" + compiled +
                           " multiply row dot subtract multiply multiply-add row dot\n"
                           "  6 matrices are independent; 6 at a time go through all steps of a "
                           "stretch\n";
  BOOST_TEST(has(state, runs.c_str()), state);
  BOOST_TEST(has(state, "3072 bytes kept for the gradient at the end of each segment\n"), state);
  const auto keeps_matrices = [](const LoggedProgram& l) {
    const Program& p = l.recurrence->normalised();
    return l.time == 20 && std::any_of(p.sequences.begin(), p.sequences.end(), [&](ValueId v) {
             return p.shape(v) == Shape{3, 2, 16, 8};
           });
  };
  BOOST_TEST(std::none_of(log.programs().begin(), log.programs().end(), keeps_matrices));
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit_of_matrix_states) {
  for (const Case& c : {delta("many matrices", 9, 20, 4, 16, 24), delta("few", 2, 60, 3, 40, 40)}) {
    const ProgramLog log;
    Tensors of[3];
    for (const int n : {1, 2, 3}) {
      const Threads use(n);
      of[n - 1] = run(c, {}, float32, 1);
    }
    const auto cut = [](const LoggedProgram& l) {
      return in_matrices(l) && l.recurrence->optimised().shards(l.time) > 1;
    };
    BOOST_TEST(std::count_if(log.programs().begin(), log.programs().end(), cut) >= 1);
    for (std::size_t i = 0; i < of[0].size(); ++i) {
      check_same(c.name + " on 2 threads, " + std::to_string(i), of[1][i], of[0][i]);
      check_same(c.name + " on 3 threads, " + std::to_string(i), of[2][i], of[0][i]);
    }
  }
}

namespace {

// Matrices, columns, rows and numbers of each head, and ways to make more from them.
class MatrixStep {
 public:
  MatrixStep(uint64_t seed, const Tensors& x, const State& s, const Tensors& captured)
      : random_(seed),
        matrices_{s[0]},
        columns_{s[1], x[0], captured[0]},
        rows_{x[1]},
        numbers_{x[2], captured[1]},
        given_(x[0]),
        state_(s) {}

  Step grown(int64_t ops) {
    for (int64_t n = 0; n < ops; ++n) one();
    const Tensor next =
        tanh(0.5 * state_[0] + last(matrices_) + column(last(columns_)) * row(last(rows_)));
    const Tensor vector = tanh((random_.one_in(2) ? given_ : 0.5 * state_[1]) + last(columns_));
    const Tensor read = random_.one_in(2) ? times(next, last(rows_)) : last(columns_);
    return {.output = joined(read + sum(last(rows_), -1, true)), .state = {next, vector}};
  }

 private:
  static const Tensor& last(const Tensors& pool) { return pool.back(); }
  const Tensor& any(const Tensors& pool) {
    return random_.one_in(2) ? pool.back() : random_.among(pool);
  }

  void one() {
    const Tensor M = any(matrices_), c = any(columns_), r = any(rows_), n = any(numbers_);
    switch (random_.below(14)) {
      case 0: return matrices_.push_back(column(n) * M);
      case 1: return matrices_.push_back(M + any(matrices_));
      case 2: return matrices_.push_back(mild(M * column(c)));
      case 3: return matrices_.push_back(tanh(row(r) - M));
      case 4: return matrices_.push_back(mild(M) + matmul(column(mild(c)), row(mild(r))));
      case 5: return columns_.push_back(mild(times(M, r)));
      case 6: return rows_.push_back(mild(squeeze(matmul(row(c), M), -2)));
      case 7: return rows_.push_back(mild(squeeze(matmul(M, column(c), true, false), -1)));
      case 8: return rows_.push_back(mild(sum(M * column(c), -2)));
      case 9: return columns_.push_back(n * c - any(columns_));
      case 10: return columns_.push_back(mild(sum(mild(M) * row(r), -1)));
      case 11: return numbers_.push_back(mild(reshape(sum(M, {-1, -2}), one_for_each(M))));
      case 12: return numbers_.push_back(sigmoid(sum(c * any(columns_), -1, true)));
      default: return rows_.push_back(mild(r) * n);
    }
  }
  static Shape one_for_each(const Tensor& M) { return {M.shape()[0], M.shape()[1], 1}; }

  Random random_;
  Tensors matrices_, columns_, rows_, numbers_;
  Tensor given_;
  State state_;
};

Case random_case(uint64_t seed) {
  Random random(seed * 991 + 3);
  const int64_t batch = random.among({1, 2, 3}), heads = random.among({1, 2, 3, 4}),
                rows = random.among({2, 3, 4, 7, 17}), columns = random.among({2, 3, 4, 9, 16}),
                time = random.among({1, 2, 5, 9}), ops = 2 + random.below(9);
  return {"seed " + std::to_string(seed),
          {{batch, time, heads, rows}, {batch, time, heads, columns}, {batch, time, heads, 1}},
          {{batch, heads, rows, columns}, {batch, heads, rows}},
          {{heads, rows}, {heads, 1}},
          [=](const Tensors& x, const State& s, const Tensors& c) {
            return MatrixStep(seed, x, s, c).grown(ops);
          },
          true,
          static_cast<int64_t>(seed) * 40};
}

}  // namespace

BOOST_AUTO_TEST_CASE(random_steps_with_matrices_equal_the_plain_loop) {
  const uint64_t seeds = 150;
  int64_t runs = 0;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    const Case c = random_case(seed);
    const ScanOptions how{.reverse = seed % 3 == 0, .last_only = seed % 4 == 0};
    ScanOptions plain = how;
    plain.plain = true;
    const Tensors expected = run(c, plain);
    const ProgramLog log;
    check(c.name, run(c, how), expected, 1e-9);
    runs += std::count_if(log.programs().begin(), log.programs().end(), in_matrices);
    const ShortStretches few(2);
    check(c.name + ", in stretches", run(c, how), expected, 1e-9);
  }
  BOOST_TEST(runs > static_cast<int64_t>(2 * seeds), runs << " Programs in matrices");
}

// In float32. Tiles add one row after another; with too many rows, the op runs alone.
BOOST_AUTO_TEST_CASE(sums_of_many_rows_are_exact_enough) {
  for (const int64_t rows : {1024, 16384}) {
    const Tensor all = full({1, 2, rows, 8}, 0.7, float32), none = full({1, 2, 2, 8}, 0, float32),
                 ones = full({1, 2, 2, rows}, 1, float32);
    const Tensor sums = scan(
                            [](const Tensors& x, const State& s) -> Step {
                              const Tensor S = s[0] + column(x[0]) * row(x[1]);
                              return {.output = sum(S * column(x[0]), -2), .state = {S}};
                            },
                            {ones, none}, {all})
                            .output;
    const double expected = static_cast<double>(0.7f) * static_cast<double>(rows);
    for (const double sum : sums.to_vector()) BOOST_TEST(std::abs(sum / expected - 1) < 5e-6);
  }
}

// Sums of whole matrices, of a column, and of both axes.
BOOST_AUTO_TEST_CASE(sums_of_the_other_forms_are_exact_enough) {
  const int64_t rows = 1024;
  struct Form {
    const char* what;
    std::function<Tensor(const Tensor& S, const Tensor& before)> sum;
    int64_t columns;
  };
  const Form forms[] = {
      {"of two matrices", [](const Tensor& S, const Tensor& B) { return sum(S * B, -2); }, 8},
      {"of both axes", [](const Tensor& S, const Tensor&) { return sum(sum(S, -2), -1, true); }, 2},
      {"of both axes of two",
       [](const Tensor& S, const Tensor& B) { return sum(sum(S * B, -1), -1, true); }, 2},
  };
  for (const Form& form : forms) BOOST_TEST_CONTEXT(form.what) {
      const Tensor all = full({1, 2, rows, form.columns}, 0.7, float32),
                   down = full({1, 2, 2, rows}, 1, float32),
                   none = full({1, 2, 2, form.columns}, 0, float32);
      const auto run = [&](DType dtype) {
        return scan(
                   [&](const Tensors& x, const State& s) -> Step {
                     const Tensor S = s[0] + column(x[0]) * row(x[1]);
                     return {.output = form.sum(S, s[0]), .state = {S}};
                   },
                   {cast(down, dtype), cast(none, dtype)}, {cast(all, dtype)},
                   {.plain = dtype == float64})
            .output;
      };
      const std::vector<double> got = run(float32).to_vector(), expected = run(float64).to_vector();
      for (std::size_t i = 0; i < got.size(); ++i)
        BOOST_TEST(std::abs(got[i] / expected[i] - 1) < 5e-6, got[i] << " " << expected[i]);
    }
}

// Its rows are summed beside a matrix state: an axis of one needs no fold.
BOOST_AUTO_TEST_CASE(a_column_beside_a_matrix_state_runs_in_parts) {
  const Tensor x = parameter(normal({2, 5, 2, 6}, 1)), S = parameter(normal({2, 2, 6, 4}, 2)),
               c = parameter(normal({2, 2, 6, 1}, 3));
  const auto run = [&](bool plain) {
    const Scanned done = scan(
        [](const Tensor& now, const State& s) -> Step {
          const Tensor c_now = expand_dims(now, -1),
                       next = 0.9 * s[0] + c_now * sum(s[0], -2, true), other = 0.5 * s[1] + c_now;
          return {.output = sum(sum(next, -1) * sum(other, -1), -1) + sum(sum(other, -2), -1),
                  .state = {next, other}};
        },
        x, {S, c}, {.plain = plain});
    Tensors all{done.output, done.state[0], done.state[1]};
    for (const Tensor& g : gradient(mixed(all), {x, S, c})) all.push_back(g);
    return all;
  };
  const ProgramLog log;
  const Tensors got = run(false), expected = run(true);
  for (std::size_t i = 0; i < got.size(); ++i)
    check_close("result " + std::to_string(i), got[i], expected[i], 1e-12);
  bool calls = false, together = false;
  for (const LoggedProgram& l : log.programs()) {
    const Plan& plan = l.recurrence->optimised().plan();
    together |= plan.parts_together > 0;
    for (const Stage& stage : plan.stages)
      if (const auto* call = std::get_if<CallStage>(&stage))
        calls |= l.recurrence->optimised().program().loop[call->instruction].op == &sum_to_op;
  }
  BOOST_TEST(!calls);
  BOOST_TEST(together);
}

// Values between parts have one more axis, and two more in segments: 7 axes leave no room.
BOOST_AUTO_TEST_CASE(a_matrix_state_of_many_axes_runs_as_one) {
  const Tensor down = parameter(normal({2, 6, 1, 1, 1, 2, 3, 1}, 4)),
               along = parameter(normal({2, 6, 1, 1, 1, 2, 1, 4}, 5)),
               first = parameter(normal({2, 1, 1, 1, 2, 3, 4}, 6));
  const auto run = [&](bool plain) {
    const Scanned done = scan(
        [](const Tensors& x, const State& s) -> Step {
          const Tensor S = tanh(0.5 * s[0] + x[0] * x[1]);
          return {.output = reshape(sum(S * x[1], -1), {2, 6}), .state = {S}};
        },
        {down, along}, {first}, {.plain = plain});
    Tensors all{done.output, done.state[0]};
    for (const Tensor& g : gradient(mixed(all), {down, along, first})) all.push_back(g);
    return all;
  };
  const Tensors got = run(false), expected = run(true);
  for (std::size_t i = 0; i < got.size(); ++i)
    check_close("result " + std::to_string(i), got[i], expected[i], 1e-12);
}
