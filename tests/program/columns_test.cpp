// SPDX-License-Identifier: Apache-2.0
// With few rows, threads take columns of the products of a step, and change no bit.
#define BOOST_TEST_MODULE columns
#include <functional>

#include <tempo/scan.hpp>

#include "program_passes.hpp"
#include "scan/explain.hpp"
#include "tensor/products/packed.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct Row {
  std::string what;
  std::function<Step(const Tensors& x, const State& s)> step;
  Tensors x, state, weights;
  bool shared = true;     // by threads
  Tensor condition = {};  // whether a step counts
};

Tensor weight(const Shape& shape, int64_t key, DType dtype) {
  return parameter(cast(normal(shape, key) * 0.05, dtype));
}

// Gates of 200 or 184 columns: neither whole panels nor whole vectors.
Row gated(int64_t batch, DType dtype, int64_t units = 200, int64_t time = 40) {
  const Tensor x = weight({batch, time, 30}, 1, dtype), w = weight({30, 4 * units}, 2, dtype),
               u = weight({units, 4 * units}, 3, dtype), b = weight({4 * units}, 4, dtype);
  return {std::to_string(batch) + " rows in " + std::string(name_of(dtype)),
          [=](const Tensors& now, const State& s) {
            auto [i, f, g, o] = split<4>(matmul(now[0], w) + matmul(s[0], u) + b);
            const Tensor c = sigmoid(f) * s[1] + sigmoid(i) * tanh(g), h = sigmoid(o) * tanh(c);
            return Step{h, {h, c}};
          },
          {x},
          {weight({batch, units}, 5, dtype), weight({batch, units}, 6, dtype)},
          {w, u, b}};
}

std::vector<Row> rows() {
  std::vector<Row> all{gated(1, float32), gated(2, float64, 184), gated(7, float32),
                       gated(3, float32, 200, 9)};
  all.back().what += ", of 9 steps";
  {
    Row row = gated(4, float32);
    row.what += ", some of which end";
    std::vector<double> counts(4 * 40);
    const int64_t lengths[] = {40, 3, 17, 0};
    for (int64_t r = 0; r < 4; ++r) std::fill_n(counts.begin() + r * 40, lengths[r], 1.0);
    row.condition = cast(tensor(counts, {4, 40, 1}), bool_);
    all.push_back(row);
  }
  {
    const Tensor u = weight({4, 96, 192}, 3, float32), x = weight({2, 60, 4, 96}, 1, float32);
    all.push_back({"heads with a matrix each",
                   [=](const Tensors& now, const State& s) {
                     const Tensor by_head = reshape(s[0], {2, 4, 1, 96});
                     auto [a, b] = split<2>(reshape(matmul(by_head, u), {2, 4, 192}));
                     const Tensor next = tanh(reshape(a * sigmoid(b) + now[0], {2, 384}));
                     return Step{next, {next}};
                   },
                   {x},
                   {weight({2, 384}, 5, float32)},
                   {u}});
  }
  {
    const Tensor u = weight({256, 256}, 2, float32), v = weight({256, 256}, 3, float32),
                 gamma = weight({256}, 4, float32);
    all.push_back({"one product after the other, with a fold of rows between them",
                   [=](const Tensors& now, const State& s) {
                     const Tensor first = layer_norm(matmul(s[0], u)) * gamma + now[0],
                                  next = s[0] + tanh(matmul(first, v));
                     return Step{first, {next}};
                   },
                   {weight({1, 50, 256}, 1, float32)},
                   {weight({1, 256}, 5, float32)},
                   {u, v, gamma}});
  }
  all.push_back(gated(8, float32));
  all.back().shared = false;  // threads take rows
  all.push_back(gated(1, float32, 24, 2000));
  all.back().what += ", of 24 units";
  all.back().shared = false;
  return all;
}

Tensors results(const Row& row) {
  const auto step = [&](const Tensors& now, const State& s) {
    const Step made = row.step(now, s);
    if (!row.condition) return made;
    State next;
    for (std::size_t i = 0; i < s.size(); ++i) next.push_back(where(now[1], made.state[i], s[i]));
    return Step{made.output, next};
  };
  Tensors x = row.x;
  if (row.condition) x.push_back(row.condition);
  const Scanned r = scan(step, x, row.state);
  Tensors all{r.output};
  all.insert(all.end(), r.state.begin(), r.state.end());
  Tensors of = row.weights;
  of.insert(of.end(), row.x.begin(), row.x.end());
  of.insert(of.end(), row.state.begin(), row.state.end());
  Tensors wide;
  for (const Tensor& t : all) wide.push_back(cast(t, float64));
  for (const Tensor& g : gradient(mixed(wide), of)) all.push_back(g);
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(threads_share_the_columns_of_few_rows_and_change_no_bit) {
  for (const Row& row : rows()) BOOST_TEST_CONTEXT(row.what) {
      const ProgramLog log;
      Tensors of[3];
      for (int n : {1, 2, 3}) {
        const Threads use(n);
        of[n - 1] = results(row);
      }
      for (std::size_t i : {std::size_t{0}, std::size_t{1}}) {
        const LoggedProgram& l = log.programs().at(i);
        BOOST_TEST((l.recurrence->optimised().column_parts(l.time) > 1) == row.shared);
      }
      for (std::size_t i = 0; i < of[0].size(); ++i) {
        check_same(std::to_string(i) + " on 2 threads", of[1][i], of[0][i]);
        check_same(std::to_string(i) + " on 3 threads", of[2][i], of[0][i]);
      }
    }
}

BOOST_AUTO_TEST_CASE(a_plan_says_that_threads_share_columns) {
  for (const Row& row : rows()) BOOST_TEST_CONTEXT(row.what) {
      const ProgramLog log;
      results(row);
      const std::string text = to_string(log.programs().at(0).recurrence->optimised());
      BOOST_TEST((text.find("  threads share the columns of products\n") != std::string::npos) ==
                 row.shared);
    }
}

BOOST_AUTO_TEST_CASE(columns_of_a_packed_matrix_are_a_packed_matrix) {
  for (DType dtype : {float32, float64})
    for (int64_t n : {1, 31, 64, 77, 200}) BOOST_TEST_CONTEXT(name_of(dtype) << ", " << n) {
        const int64_t m = 3, k = 19;
        const Tensor a = cast(normal({m, k}, 1), dtype), b = cast(normal({k, n}, 2), dtype);
        const std::size_t size = size_of(dtype);
        const Array memory(TensorType{bool_, {static_cast<int64_t>(packed_bytes(dtype, k, n))}});
        const MatrixPart part{b.handle()->array.as<char>(), n, false, k, n};
        const PackedMatrix packed = pack(dtype, k, n, {&part, 1}, memory.as<char>());
        const Array whole(TensorType{dtype, {m, n}}), cut(TensorType{dtype, {m, n}});
        PackedProduct product{a.handle()->array.as<char>(), k, &packed};
        multiply(m, {&product, 1}, whole.as<char>(), n, false);
        const int64_t panel = panel_columns(packed);
        for (int64_t first = 0; first < n; first += panel) {
          const PackedMatrix columns = columns_of(packed, first, std::min(panel, n - first));
          product.b = &columns;
          multiply(m, {&product, 1}, cut.as<char>() + static_cast<std::size_t>(first) * size, n,
                   false);
        }
        BOOST_TEST(std::equal(whole.as<char>(),
                              whole.as<char>() + static_cast<std::size_t>(m * n) * size,
                              cut.as<char>()));
      }
}
