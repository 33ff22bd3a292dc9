// SPDX-License-Identifier: Apache-2.0
// Rows folded into one element, by the kernel of each instruction set, and in a step beside
// elementwise ops.
#define BOOST_TEST_MODULE fold
#include <cstring>
#include <optional>

#include <tempo/scan.hpp>

#include "graph/op.hpp"
#include "instruction_sets.hpp"
#include "scan/explain.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

std::vector<int64_t> lengths() {
  std::vector<int64_t> all;
  for (int64_t n = 1; n <= 70; ++n) all.push_back(n);
  for (int64_t n : {255, 256, 257, 271, 272, 512, 600}) all.push_back(n);
  return all;
}

// --- kernels

using Plain = long double (*)(long double total, long double x);
struct Fold {
  const char* op;
  double start;
  Plain plain;
  bool exact = true;
};
const double infinity = std::numeric_limits<double>::infinity();
const Fold folds[] = {
    {"sum", 0, [](long double total, long double x) { return total + x; }, false},
    {"sum_to", 0, [](long double total, long double x) { return total + x; }, false},
    {"max", -infinity, [](long double total, long double x) { return x > total ? x : total; }},
    {"min", infinity, [](long double total, long double x) { return x < total ? x : total; }},
};

template <class T>
T folded(const char* op, const T* row, int64_t n) {
  T result = -1;
  const void* in[] = {row};
  const int64_t strides[] = {1};
  find_op(op)->kernel.fold(sizeof(T) == 4 ? float32 : float64)(in, strides, &result, n, {});
  return result;
}

// A row of n numbers, followed by one that must not be read.
template <class T>
std::vector<T> row_of(int64_t n, double low) {
  const Tensor x = uniform(low, 2, {n}, n);
  std::vector<T> row;
  for (double v : x.to_vector()) row.push_back(static_cast<T>(v));
  row.push_back(std::numeric_limits<T>::quiet_NaN());
  return row;
}

template <class T>
void check_fold(const Fold& fold) {
  for (int64_t n : lengths())
    for (double low : {-2.0, 1.0}) {
      const std::vector<T> row = row_of<T>(n, low);
      long double expected = fold.start, scale = 1;
      for (int64_t i = 0; i < n; ++i) {
        expected = fold.plain(expected, row[static_cast<std::size_t>(i)]);
        scale += std::abs(row[static_cast<std::size_t>(i)]);
      }
      const long double tolerance = fold.exact ? 0 : scale * 4 * std::numeric_limits<T>::epsilon();
      std::optional<T> first;
      on_each_instruction_set([&](InstructionSet) {
        const T got = folded(fold.op, row.data(), n);
        BOOST_TEST(std::abs(got - expected) <= tolerance,
                   fold.op << " of " << n << ": " << got << ", not " << expected);
        if (!first) first = got;
        BOOST_TEST((std::memcmp(&got, &*first, sizeof got) == 0),
                   fold.op << " of " << n << " depends on the instruction set");
      });
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(rows_of_any_length_fold_as_one_number_after_the_other) {
  for (const Fold& fold : folds) {
    check_fold<float>(fold);
    check_fold<double>(fold);
  }
}

BOOST_AUTO_TEST_CASE(a_nan_anywhere_is_what_a_row_folds_into) {
  on_each_instruction_set([](InstructionSet) {
    for (const Fold& fold : folds)
      for (std::size_t n : {1u, 2u, 15u, 16u, 17u, 40u, 300u})
        for (std::size_t at = 0; at < n; ++at) {
          std::vector<float> row(n, 1.5F);
          row[at] = std::numeric_limits<float>::quiet_NaN();
          BOOST_TEST(std::isnan(folded(fold.op, row.data(), static_cast<int64_t>(n))),
                     fold.op << " of " << n << " with NaN at " << at);
        }
  });
}

// --- in a step

namespace {

Tensor sum_to(const Tensor& x, const Shape& shape) {
  static const sdk::Op op("sum_to");
  return op(x, {{"shape", std::vector<int64_t>(shape.begin(), shape.end())}});
}

Step folding_step(const Tensor& x, const State& s) {
  const Shape column{x.shape()[0], 1};
  const Tensor a = x + s[0], most = max(a, -1, true), least = min(a, -1, true);
  const Tensor spread = broadcast_to(most - least + 0.5, a.shape());
  const Tensor centred = (a - mean(a, -1, true)) / spread;
  const Tensor total = sum_to(square(centred), column), next = tanh(centred * most) + 0.1 * total;
  return {.output = concat({next, sum(next, -1, true)}), .state = {next}};
}

Tensors folded_by_scan(const Tensor& x, const Tensor& h, bool plain) {
  const Scanned r = scan(folding_step, x, {h}, {.plain = plain});
  Tensors all{r.output, r.state[0]};
  const Tensor weight = cast(normal(r.output.shape(), 4), x.dtype());
  for (const Tensor& g : gradient(sum(weight * r.output), Tensors{x, h})) all.push_back(g);
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_step_that_folds_rows_of_any_length_equals_the_plain_loop) {
  for (int64_t units : lengths())
    for (int64_t batch : {1, 3})
      for (DType dtype : {float32, float64}) {
        const Tensor x = parameter(cast(normal({batch, 2, units}, 2), dtype)),
                     h = parameter(cast(normal({batch, units}, 3), dtype));
        const Tensors got = folded_by_scan(x, h, false), expected = folded_by_scan(x, h, true);
        for (std::size_t i = 0; i < got.size(); ++i)
          check_close(std::to_string(units) + " units, batch " + std::to_string(batch) + ", " +
                          std::to_string(i),
                      got[i], expected[i], dtype == float32 ? 1e-5 : 1e-12);
      }
}

BOOST_AUTO_TEST_CASE(folds_of_rows_are_part_of_a_group_of_elementwise_ops) {
  const ProgramLog log;
  folded_by_scan(parameter(normal({3, 2, 40}, 2)), parameter(normal({3, 40}, 3)), false);
  for (const LoggedProgram& p : log.programs()) {
    const std::string text = to_string(p.recurrence->optimised());
    BOOST_TEST(text.find("call") == std::string::npos, p.what << "\n" << text);
  }
}
