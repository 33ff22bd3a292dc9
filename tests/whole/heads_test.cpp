// SPDX-License-Identifier: Apache-2.0
// Steps with heads, in any form, equal their plain loop: with equal extents, with extents of one,
// with a right side that changes, and with rows that end.
#define BOOST_TEST_MODULE heads
#include <algorithm>
#include <functional>

#include <tempo/ops.hpp>
#include <tempo/scan.hpp>

#include "plain_loop.hpp"
#include "program/plan/surroundings.hpp"
#include "program/run/rows/ending_rows.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

using StepOf = std::function<Step(const Tensors& x, const State& s, const Tensors& captured)>;

// Sequences [batch, 5, ...], states and captured tensors, by their shapes.
struct Case {
  const char* name;
  std::vector<Shape> x, state, captured;
  StepOf step;
};

Tensor by_heads(const Tensor& h, const Tensor& w) { return einsum("bhd,hde->bhe", h, w); }
Tensor flat(const Tensor& t) { return reshape(t, {t.shape()[0], t.count() / t.shape()[0]}); }
Tensor as_heads(const Tensor& t, int64_t heads) {
  return reshape(t, {t.shape()[0], heads, t.count() / t.shape()[0] / heads});
}
Step one(const Tensor& next) { return {.output = next, .state = {next}}; }

// xs[0] K + b in heads, with the recurrent blocks beside it, and its four gates.
Step slstm(const Tensors& x, const State& s, const Tensors& c) {
  const int64_t heads = c[1].shape()[0];
  const auto [z, i, f, o] =
      split<4>(as_heads(matmul(x[0], c[0]) + c[2], heads) + by_heads(as_heads(s[0], heads), c[1]));
  const Tensor next_c = sigmoid(f) * as_heads(s[1], heads) + sigmoid(i) * tanh(z);
  const Tensor h = flat(sigmoid(o) * tanh(next_c));
  return {.output = h, .state = {h, flat(next_c)}};
}
Case slstm_of(const char* name, int64_t batch, int64_t heads, int64_t width, int64_t features) {
  const int64_t units = heads * width;
  return {name,
          {{batch, 5, features}},
          {{batch, units}, {batch, units}},
          {{features, 4 * units}, {heads, width, 4 * width}, {4 * units}},
          slstm};
}

std::vector<Case> cases() {
  return {
      slstm_of("gates of heads beside a dense product", 3, 2, 4, 5),
      slstm_of("one row", 1, 2, 4, 5),
      slstm_of("one head", 3, 1, 4, 5),
      slstm_of("heads of one unit", 3, 4, 1, 5),
      slstm_of("one row, one head, one unit", 1, 1, 1, 1),
      slstm_of("as many heads as rows", 4, 4, 3, 2),
      slstm_of("as many units of a head as heads", 2, 3, 3, 4),
      slstm_of("rows, heads and units of a head alike", 3, 3, 3, 3),
      {"a dense product of other rows beside the blocks",
       {{3, 5, 6}},
       {{3, 2, 4}},
       {{2, 4, 4}, {3, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor rows = matmul(reshape(x[0], {6, 3}), c[1]);  // of [batch, 2]
         return one(tanh(reshape(rows, {3, 2, 4}) + by_heads(s[0], c[0])));
       }},
      {"a sum of products as other columns, part of a concatenation",
       {{3, 5, 2, 7}},
       {{3, 4, 3}},
       {{4, 3, 3}, {4, 3, 3}, {26, 12}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor sum = reshape(by_heads(s[0], c[0]), {3, 2, 6}) +
                            reshape(by_heads(tanh(s[0]), c[1]), {3, 2, 6});
         const Tensor both = flat(concat({sum, x[0]}));
         return one(tanh(reshape(matmul(both, c[2]), {3, 4, 3})));
       }},
      {"blocks added to part of a split under other columns",
       {{3, 5, 16}},
       {{3, 4, 2}},
       {{4, 2, 2}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const auto [a, b] = split<2>(reshape(x[0], {3, 2, 8}) * 0.5);
         const Tensor sum = reshape(by_heads(s[0], c[0]), {3, 2, 4}) + tanh(a) * b;
         const Tensor other = a + reshape(by_heads(sin(s[0]), c[0]), {3, 2, 4});
         return one(tanh(reshape(sum * other, {3, 4, 2})));
       }},
      {"a view of a value that a product is added to",
       {{3, 5, 8}},
       {{3, 2, 4}},
       {{2, 4, 4}, {8, 8}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor a = sin(reshape(x[0], {3, 2, 4}) + s[0]);
         const Tensor total = a + by_heads(s[0], c[0]);
         const Tensor other = matmul(reshape(a, {3, 8}), c[1]);
         return one(tanh(total * reshape(other, {3, 2, 4})));
       }},
      {"two views of one product, one of them the output",
       {{3, 5, 2, 4}},
       {{3, 2, 4}},
       {{2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor made = by_heads(s[0], c[0]);
         return Step{.output = flat(made), .state = {tanh(x[0] + made)}};
       }},
      {"the next state under another shape, and its own last one",
       {{3, 5, 8}},
       {{3, 8}, {3, 2, 4}},
       {{2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor made = tanh(reshape(x[0], {3, 2, 4}) + by_heads(s[1], c[0]));
         return Step{.output = reshape(made, {6, 4}), .state = {flat(made), as_heads(s[0], 2)}};
       }},
      {"two states that are the same value",
       {{3, 5, 8}},
       {{3, 8}, {3, 2, 4}},
       {{2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor made = tanh(reshape(x[0], {3, 2, 4}) + by_heads(s[1], c[0]) * s[1] +
                                  0.3 * reshape(s[0], {3, 2, 4}));
         return Step{.output = made, .state = {flat(made), made}};
       }},
      {"a state that no step reads, whose next value is another's as well",
       {{3, 5, 8}},
       {{3, 8}, {3, 8}},
       {{2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor next = tanh(x[0] + flat(by_heads(as_heads(s[1], 2), c[0])));
         return Step{.output = next, .state = {next, next}};
       }},
      {"states in heads first",
       {{3, 5, 4}},
       {{2, 3, 4}},
       {{2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor h = tanh(matmul(s[0], c[0]) + x[0]);
         return Step{.output = swap_axes(h, 0, 1), .state = {h}};
       }},
      {"heads turned to the front and back",
       {{3, 5, 8}},
       {{3, 8}},
       {{2, 4, 4}, {4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor h = matmul(swap_axes(as_heads(s[0] + x[0], 2), 0, 1), c[0]) + c[1];
         return one(tanh(flat(swap_axes(h, 0, 1))));
       }},
      {"several rows of each head",
       {{2, 5, 3, 4}},
       {{2, 2, 3, 4}},
       {{2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         return one(tanh(matmul(s[0], c[0]) + expand_dims(x[0], 1)));
       }},
      {"heads of which no unit is read",
       {{3, 5, 8}},
       {{3, 2, 4}},
       {{2, 0, 4}, {0, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor none = slice(s[0], -1, 0, 0);
         return one(tanh(s[0] + as_heads(x[0], 2) + by_heads(none, c[0]) + matmul(none, c[1])));
       }},
      {"one matrix for all heads",
       {{3, 5, 8}},
       {{3, 2, 4}},
       {{4, 4}, {1, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor a = matmul(s[0], c[0]), b = matmul(expand_dims(s[0], 2), c[1]);
         return one(tanh(as_heads(x[0], 2) + a * squeeze(b, 2)));
       }},
      {"one row that all heads read",
       {{3, 5, 4}},
       {{3, 2, 4}},
       {{2, 4, 4}, {2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor shared = matmul(expand_dims(expand_dims(x[0], 1), 1), c[0]);  // [3, 2, 1, 4]
         return one(tanh(squeeze(shared, 2) + by_heads(s[0], c[1])));
       }},
      {"two axes of heads, and one of rows between",
       {{2, 5, 2, 3, 4}},
       {{2, 2, 3, 4}},
       {{2, 1, 4, 4}, {2, 3, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor h = expand_dims(s[0], 3);  // [2, 2, 3, 1, 4]
         return one(tanh(x[0] + squeeze(matmul(h, c[1]), 3) * squeeze(matmul(h, c[0]), 3)));
       }},
      {"blocks read as transposed, and the left side too",
       {{3, 5, 2, 4}},
       {{3, 2, 4}},
       {{2, 4, 4}, {2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor a = matmul(expand_dims(s[0], 2), c[0], false, true);
         const Tensor b = matmul(expand_dims(s[0], 3), c[1], true, false);
         return one(tanh(x[0] + squeeze(a, 2) * squeeze(b, 2)));
       }},
      {"blocks that depend on the state",
       {{3, 5, 2, 4}},
       {{3, 2, 4}},
       {{2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor w = c[0] * mean(s[0]);
         return one(tanh(x[0] + by_heads(s[0], w)));
       }},
      {"blocks that are a sequence, one set for all rows",
       {{2, 5, 4, 4}},
       {{2, 2, 4}},
       {{2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         return one(tanh(by_heads(s[0], x[0]) + by_heads(s[0], c[0])));
       }},
      {"blocks of each row",
       {{2, 5, 2, 4, 4}},
       {{2, 2, 4}},
       {{2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor own = squeeze(matmul(expand_dims(s[0], 2), x[0]), 2);
         return one(tanh(own + by_heads(s[0], c[0])));
       }},
      {"blocks made of weights within the step",
       {{3, 5, 8}},
       {{3, 8}},
       {{2, 4, 4}, {8, 8}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor w = tanh(c[0]) + reshape(slice(c[1], 0, 0, 4), {2, 4, 4});
         return one(tanh(x[0] + flat(by_heads(as_heads(s[0], 2), w)) + matmul(s[0], c[1])));
       }},
      {"rows of heads as rows",
       {{3, 5, 8}},
       {{3, 8}},
       {{4, 4}, {2, 4, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor rows = sin(matmul(reshape(s[0], {6, 4}), c[0]));
         const Tensor h = reshape(rows, {3, 8}) + flat(by_heads(as_heads(x[0], 2), c[1]));
         return Step{.output = rows, .state = {tanh(h)}};
       }},
      {"all of the state as one row",
       {{4, 5, 3}},
       {{4, 3}},
       {{3, 3}, {4, 12}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor row = reshape(tanh(matmul(s[0], c[0])), {12});
         const Tensor every = reshape(x[0], {12}) + c[1] * row;  // [4, 12]
         return one(tanh(mean(reshape(every, {4, 3, 4}), -1)));
       }},
      {"gates along the middle axis",
       {{3, 5, 4, 6}},
       {{3, 6}},
       {{2, 3, 12}, {6}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor gates =
             x[0] + reshape(by_heads(as_heads(s[0], 2), c[0]), {3, 4, 6});  // [3, 4, 6]
         const Tensors g = split(gates, {1, 2, 1}, 1);
         const Tensor middle = sum(sigmoid(g[1]), 1);
         return one(tanh(squeeze(slice(gates, 1, 3, 4), 1) * middle + squeeze(g[0], 1) * c[1]));
       }},
      {"a column of each head, and one that rows share",
       {{3, 5, 8}},
       {{3, 8}},
       {{2, 4, 4}, {2, 1}, {2, 4}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor h = as_heads(s[0], 2), n = by_heads(h, c[0]);
         const Tensor size = sqrt(mean(square(n), -1, true) + 0.1);  // [3, 2, 1]
         return one(tanh(x[0] + flat(n / size * c[2] + c[1] * h)));
       }},
      {"a matrix for each head that has as many rows as the batch",
       {{2, 5, 4}},
       {{2, 2, 2}},
       {{2, 2, 2}, {2, 1}, {2, 2}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         return one(tanh(as_heads(x[0], 2) * c[1] + by_heads(s[0], tanh(c[0])) +
                         reshape(matmul(x[0], reshape(tanh(c[2]) + c[0], {4, 2})), {2, 1, 2})));
       }},
  };
}

struct Given {
  Tensors x, captured;
  State state;
  Tensors all() const {
    Tensors leaves = x;
    leaves.insert(leaves.end(), state.begin(), state.end());
    leaves.insert(leaves.end(), captured.begin(), captured.end());
    return leaves;
  }
};

Given given(const Case& c, DType dtype) {
  int64_t seed = 0;
  Given g;
  const auto made = [&](const std::vector<Shape>& shapes, double size, auto& to) {
    for (const Shape& s : shapes) to.push_back(parameter(cast(size * normal(s, ++seed), dtype)));
  };
  made(c.x, 1, g.x);
  made(c.state, 1, g.state);
  made(c.captured, 0.6, g.captured);
  return g;
}

Tensors run(const Case& c, const ScanOptions& options, DType dtype = float64) {
  const Given g = given(c, dtype);
  const auto step = [&](const Tensors& x, const State& s) { return c.step(x, s, g.captured); };
  const Scanned done = scan(step, g.x, g.state, options);
  Tensors results{done.output};
  results.insert(results.end(), done.state.begin(), done.state.end());
  return to_second_order(results, g.all());
}

}  // namespace

BOOST_AUTO_TEST_CASE(heads_equal_the_plain_loop_to_second_order) {
  for (const Case& c : cases())
    for (const bool reverse : {false, true}) {
      const Tensors plain = run(c, {.reverse = reverse, .plain = true});
      check_all(c.name, run(c, {.reverse = reverse}), plain, 1e-11);
      check_all(std::string(c.name) + ", computed again",
                run(c, {.reverse = reverse, .recompute = true}), plain, 1e-11);
      const ShortStretches few(2);
      check_all(std::string(c.name) + ", in stretches", run(c, {.reverse = reverse}), plain, 1e-11);
    }
}

BOOST_AUTO_TEST_CASE(heads_equal_the_plain_loop_in_float32) {
  for (const Case& c : cases())
    check_all(c.name, run(c, {}, float32), run(c, {.plain = true}, float32), 2e-4);
}

namespace {

bool has_rows(const Shape& s, int64_t batch) {
  return (s.rank() == 2 || s.rank() == 3) && s[0] == batch;
}
bool may_end(const Case& c) {
  return std::all_of(c.state.begin(), c.state.end(),
                     [&](const Shape& s) { return has_rows(s, c.x[0][0]); });
}

// A case with a condition: rows end after 5, 0, 1, 2, ... steps.
Tensors run_with_ends(const Case& c, bool plain, bool reverse) {
  const Given g = given(c, float64);
  const int64_t batch = c.x[0][0];
  std::vector<int64_t> lengths;
  for (int64_t row = 0; row < batch; ++row) lengths.push_back((5 + row) % 6);
  Tensors x = g.x;
  x.push_back(expand_dims(mask_of_lengths(tensor(lengths, {batch}), 5), -1));
  const auto step = [&](const Tensors& now, const State& s) {
    Step done = c.step(Tensors(now.begin(), now.end() - 1), s, g.captured);
    const auto choose = [&](const Tensor& a, const Tensor& b) {
      const Tensor mask = a.rank() == 2 ? now.back() : expand_dims(now.back(), -1);
      return where(mask, a, b);
    };
    if (!has_rows(done.output.shape(), batch)) done.output = done.state[0];
    done.output = choose(done.output, scalar(0, float64));
    for (std::size_t k = 0; k < s.size(); ++k) done.state[k] = choose(done.state[k], s[k]);
    return done;
  };
  const Scanned done = scan(step, x, g.state, {.reverse = reverse, .plain = plain});
  Tensors results{done.output};
  results.insert(results.end(), done.state.begin(), done.state.end());
  return to_second_order(results, g.all());
}

}  // namespace

BOOST_AUTO_TEST_CASE(rows_with_heads_may_end) {
  for (const Case& c : cases())
    for (const bool reverse : {false, true}) {
      if (!may_end(c)) continue;
      const Tensors plain = run_with_ends(c, true, reverse);
      const EndedRows treat(EndedRows::left_out);
      check_all(c.name, run_with_ends(c, false, reverse), plain, 1e-11);
      const ShortStretches few(2);
      check_all(std::string(c.name) + ", in stretches", run_with_ends(c, false, reverse), plain,
                1e-11);
    }
}

// If there are as many heads as rows, [batch, 1] beside [batch, heads, n] chooses heads.
BOOST_AUTO_TEST_CASE(a_condition_that_meets_heads_ends_no_row) {
  const Tensor start = parameter(normal({3, 3, 4}, 2)), x = parameter(normal({3, 5, 12}, 3)),
               counts =
                   expand_dims(mask_of_lengths(tensor(std::vector<int64_t>{5, 1, 3}, {3}), 5), -1);
  const auto run = [&](bool plain) {
    const auto step = [&](const Tensors& now, const State& s) {
      const Tensor next = tanh(as_heads(now[0], 3) + 0.5 * s[0]);
      return Step{.output = where(now[1], next, scalar(0, float64)),
                  .state = {where(now[1], next, s[0])}};
    };
    const Scanned done = scan(step, {x, counts}, {start}, {.plain = plain});
    return to_second_order({done.output, done.state[0]}, {start, x});
  };
  const EndedRows treat(EndedRows::left_out);
  check_all("heads that end", run(false), run(true), 1e-11);
}

// The condition that ends rows is also read along another axis; there it belongs to other rows.
BOOST_AUTO_TEST_CASE(a_condition_of_rows_is_asked_where_it_meets_another_axis) {
  const Tensor x = parameter(normal({3, 5, 3}, 2)), start = parameter(normal({3, 3}, 3)),
               heads = parameter(normal({3, 3, 4}, 4)),
               counts =
                   expand_dims(mask_of_lengths(tensor(std::vector<int64_t>{5, 1, 3}, {3}), 5), -1);
  const auto run = [&](const Tensor& first, const Shape& columns, bool plain) {
    const auto step = [&](const Tensors& now, const State& s) {
      const Tensor of_rows = s[0].rank() == 2 ? now[1] : reshape(now[1], {3, 1, 1}),
                   in = s[0].rank() == 2 ? now[0] : expand_dims(now[0], 2);
      const Tensor next = where(reshape(now[1], columns), tanh(in + 0.5 * s[0]), 0.3 * s[0]);
      return Step{.output = where(of_rows, next, scalar(0, float64)),
                  .state = {where(of_rows, next, s[0])}};
    };
    const Scanned done = scan(step, {x, counts}, {first}, {.plain = plain});
    return to_second_order({done.output, done.state[0]}, {first, x});
  };
  const EndedRows treat(EndedRows::left_out);
  for (const Shape& columns : {Shape{1, 3}, Shape{3}})
    check_all("columns", run(start, columns, false), run(start, columns, true), 1e-11);
  check_all("heads", run(heads, {3, 1}, false), run(heads, {3, 1}, true), 1e-11);
}

namespace {

void check_on_threads(const Case& c, bool last_only) {
  const Tensors plain = run(c, {.last_only = last_only, .plain = true});
  Tensors of[3];
  for (const int n : {1, 2, 3}) {
    const Threads use(n);
    of[n - 1] = run(c, {.last_only = last_only});
  }
  check_all(c.name, of[0], plain, 1e-9);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    check_same(c.name + (" on 2 threads, " + std::to_string(i)), of[1][i], of[0][i]);
    check_same(c.name + (" on 3 threads, " + std::to_string(i)), of[2][i], of[0][i]);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(threads_change_no_bit_of_heads) {
  const Case large[] = {
      slstm_of("gates of heads", 48, 4, 24, 32),
      {"a state as rows of heads, and all of it as one row",
       {{48, 5, 64}},
       {{48, 64}},
       {{64, 64}, {4, 16, 16}, {48, 48 * 64}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor h = tanh(matmul(s[0], c[0]) + x[0]);
         const Tensor rows = sin(reshape(h, {48 * 4, 16}));
         const Tensor every = c[2] * reshape(rows, {48 * 64});  // [48, 48 * 64]
         const Tensor mine = reshape(mean(reshape(every, {48, 48, 64}), 1), {48, 64});
         return one(tanh(mine + h));
       }},
      {"a sequence as one row for all",
       {{48, 5, 64}},
       {{48, 48 * 64}},
       {{48, 48 * 64}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         return one(tanh(s[0] + c[0] * reshape(x[0], {48 * 64})));
       }},
      {"the state as one row for all",
       {{48, 5, 64}},
       {{48, 64}, {48, 48 * 64}},
       {{48, 48 * 64}},
       [](const Tensors& x, const State& s, const Tensors& c) {
         const Tensor wide = tanh(s[1] + c[0] * reshape(s[0], {48 * 64}));
         return Step{.output = s[0], .state = {tanh(x[0] + s[0]), wide}};
       }},
  };
  for (const Case& c : large) check_on_threads(c, false);
}

// Each thread gathers and carries its own rows, and the last output has some from all of them.
BOOST_AUTO_TEST_CASE(threads_change_no_bit_of_last_outputs_with_other_rows) {
  const auto next = [](const Tensors& x, const State& s, const Tensors& c) {
    return tanh(matmul(s[0], c[0]) + x[0]);
  };
  const std::vector<Shape> x{{48, 60, 64}}, state{{48, 64}}, captured{{64, 64}};
  const Case large[] = {
      {"the last input as one row", x, state, captured,
       [next](const Tensors& now, const State& s, const Tensors& c) {
         return Step{.output = reshape(now[0], {1, 48 * 64}), .state = {next(now, s, c)}};
       }},
      {"the state before the last step as one row", x, state, captured,
       [next](const Tensors& now, const State& s, const Tensors& c) {
         return Step{.output = reshape(s[0], {1, 48 * 64}), .state = {next(now, s, c)}};
       }},
  };
  for (const Case& c : large) check_on_threads(c, true);
}
