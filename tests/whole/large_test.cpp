// SPDX-License-Identifier: Apache-2.0
// More than 2^31 elements, at which a count in 32 bits would fail. Needs 9 GiB: `ctest -C Large -R
// large`.
#define BOOST_TEST_MODULE large
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>

#include <tempo/gradient.hpp>
#include <tempo/io.hpp>

#include "testing.hpp"

namespace tempo {
namespace {

constexpr int64_t beyond = (int64_t{1} << 31) + 8;

BOOST_AUTO_TEST_CASE(a_product_sums_over_all_of_its_inner_axis) {
  const NoGradient none;
  const Tensor row = ones({1, beyond}, float32);
  const Tensor column = reshape(row, {beyond, 1});
  const double expected = static_cast<double>(beyond);
  const auto close = boost::test_tools::tolerance(1e-6);
  BOOST_TEST(matmul(row, row, false, true).item() == expected, close);
  BOOST_TEST(matmul(row, column).item() == expected, close);
  BOOST_TEST(matmul(column, column, true, false).item() == expected, close);
  BOOST_TEST(matmul(column, row, true, true).item() == expected, close);
  BOOST_TEST(sum(row).item() == expected, close);
}

BOOST_AUTO_TEST_CASE(places_lie_beyond_32_bits) {
  const NoGradient none;
  const int64_t place = beyond - 3;
  const Tensor hot = one_hot(tensor(std::vector<int64_t>{place}, {1}), beyond, float32);
  BOOST_TEST(argmax(hot).item() == static_cast<double>(place));
  BOOST_TEST(take(hot, -3, 1).item() == 1);
  BOOST_TEST(slice(hot, 1, place, beyond).element(0) == 1);
  BOOST_TEST(sum(hot).item() == 1);
  BOOST_TEST(
      gather(reshape(hot, {beyond}), tensor(std::vector<int64_t>{place, 0}, {2})).element(0) == 1);
}

// --- More than 2^31 results. A row and a column say what each of them is.

constexpr int64_t rows = int64_t{1} << 16, columns = (int64_t{1} << 15) + 32;

Tensor column_of(int64_t n = rows) { return random_uniform({n, 1}, 0, 1, float32, 1); }
Tensor row_of(int64_t n = columns) { return random_uniform({1, n}, 0, 1, float32, 2); }

// Some places all over it, and all of the last ones.
template <class T>
void check_places(const char* what, const Tensor& y,
                  const std::function<T(int64_t row, int64_t column)>& expected) {
  const int64_t n = y.count(), width = y.shape().back();
  const T* const got = y.data<T>();
  int64_t wrong = 0;
  for (int64_t i = 0; i < n; i += i < n - 3 * width ? 99991 : 1)
    if (got[i] != expected(i / width, i % width) && wrong++ == 0)
      BOOST_ERROR(what << " at " << i << " of " << n << ": " << got[i] << ", expected "
                       << expected(i / width, i % width));
  BOOST_TEST(wrong == 0, what);
}

void check_same_bools(const char* what, const Tensor& got, const Tensor& expected) {
  BOOST_TEST(to_string(got.shape()) == to_string(expected.shape()), what);
  BOOST_REQUIRE(got.count() == expected.count());
  const bool *const a = got.data<bool>(), *const b = expected.data<bool>();
  const auto n = static_cast<std::size_t>(got.count());
  constexpr std::size_t block = 1 << 20;
  for (std::size_t at = 0; at < n; at += block)
    if (const std::size_t length = std::min(block, n - at); std::memcmp(a + at, b + at, length)) {
      const auto first = std::mismatch(a + at, a + at + length, b + at).first - a;
      BOOST_ERROR(what << ": differs first at " << first << " of " << n);
      return;
    }
}

BOOST_AUTO_TEST_CASE(bools_go_where_they_belong) {
  const NoGradient none;
  const Tensor a = column_of(), b = row_of(), x = a < b;
  const auto top = [&] { return slice(a, 0, 0, rows / 2); };
  const auto bottom = [&] { return slice(a, 0, rows / 2, rows); };
  const auto left = [&] { return slice(b, 1, 0, 99); };
  const auto right = [&] { return slice(b, 1, 99, columns); };
  const Tensor order = cast(reshape(floor(column_of() * static_cast<double>(rows)), {rows}), int64);
  const double inf = HUGE_VAL;
  check_places<bool>("less", x,
                     [&](int64_t i, int64_t k) { return a.data<float>()[i] < b.data<float>()[k]; });
  const struct {
    const char* what;
    std::function<Tensor()> got, expected;
  } cases[] = {
      {"logical_not", [&] { return logical_not(x); }, [&] { return a >= b; }},
      {"logical_and", [&] { return logical_and(x, b < 0.5); },
       [&] { return a < where(b < 0.5, b, -inf); }},
      {"logical_or", [&] { return logical_or(a > 0.5, x); },
       [&] { return where(a > 0.5, -inf, a) < b; }},
      {"equal", [&] { return equal(x, a < 0); }, [&] { return a >= b; }},
      {"where", [&] { return where(x, a < 0, b < 2); }, [&] { return a >= b; }},
      {"broadcast_to",
       [&] {
         return broadcast_to(b < 0.5, {rows, columns});
       },
       [&] { return 0 * a + 0.5 > b; }},
      {"transpose", [&] { return transpose(x); }, [&] { return transpose(b) > transpose(a); }},
      {"swap_axes",
       [&] {
         return swap_axes(reshape(x, {2, rows / 2, columns}), 0, 1);
       },
       [&] {
         return stack({top() < b, bottom() < b}, 1);
       }},
      {"reverse rows", [&] { return reverse(x, 0); }, [&] { return reverse(a, 0) < b; }},
      {"reverse columns", [&] { return reverse(x, 1); }, [&] { return a < reverse(b, 1); }},
      {"concat rows",
       [&] {
         return concat({top() < b, bottom() < b}, 0);
       },
       [&] { return x; }},
      {"concat columns",
       [&] {
         return concat({a < left(), a < right()}, 1);
       },
       [&] { return x; }},
      {"stack",
       [&] {
         return stack({top() < b, bottom() < b}, 0);
       },
       [&] {
         return reshape(x, {2, rows / 2, columns});
       }},
      {"slice of rows", [&] { return slice(x, 0, 1, rows - 1); },
       [&] { return slice(a, 0, 1, rows - 1) < b; }},
      {"slice of columns", [&] { return slice(x, 1, 1, columns - 1); },
       [&] { return a < slice(b, 1, 1, columns - 1); }},
      {"split",
       [&] {
         return split(x, {99, columns - 99}, 1)[1];
       },
       [&] { return a < right(); }},
      {"pad of rows", [&] { return pad(x, 0, 1, 2); },
       [&] {
         return concat({full({1, 1}, inf), a, full({2, 1}, inf)}, 0) < b;
       }},
      {"pad of columns", [&] { return pad(x, 1, 3, 1); },
       [&] {
         return a < concat({full({1, 3}, -inf), b, full({1, 1}, -inf)}, 1);
       }},
      {"gather", [&] { return gather(x, order); }, [&] { return gather(a, order) < b; }},
      {"windows", [&] { return windows(slice(x, 0, 0, rows / 2 + 1), 0, 2); },
       [&] {
         return concat({top() < b, slice(a, 0, 1, rows / 2 + 1) < b}, 1);
       }},
      {"the last row", [&] { return x[-1]; }, [&] { return (a < b)[rows - 1]; }},
      {"the last column", [&] { return x(all, -1); },
       [&] { return reshape(a < slice(b, 1, columns - 1, columns), {rows}); }},
      {"every third of the last rows", [&] { return x[slice(rows - 9, end, 3)]; },
       [&] { return slice(a, 0, rows - 9, rows)[slice(0, end, 3)] < b; }},
      {"npy",
       [&] {
         save_npy("large_test.npy", x);
         return load_npy("large_test.npy");
       },
       [&] { return x; }},
      {"safetensors",
       [&] {
         save_tensors("large_test.safetensors", {{"before", a}, {"x", x}, {"y", b}});
         std::map<std::string, Tensor> read = load_tensors("large_test.safetensors");
         testing::check_same("behind it", read.at("y"), b);
         return read.at("x");
       },
       [&] { return x; }},
  };
  for (const auto& c : cases) check_same_bools(c.what, c.got(), c.expected());
  for (const char* file : {"large_test.npy", "large_test.safetensors"})
    std::filesystem::remove(file);
}

BOOST_AUTO_TEST_CASE(numbers_are_computed_where_they_belong) {
  const NoGradient none;
  const Tensor a = column_of(), b = row_of();
  const float *const p = a.data<float>(), *const q = b.data<float>();
  const Tensor pair = concat({a, floor(a * 8)}, 1), of_pair = concat({floor(b * 8), b}, 0);
  const auto product = [&](int64_t i, int64_t k) {
    return p[i] * std::floor(q[k] * 8) + std::floor(p[i] * 8) * q[k];
  };
  const struct {
    const char* what;
    std::function<Tensor()> got;
    std::function<float(int64_t row, int64_t column)> expected;
    double tolerance = 0;
  } cases[] = {
      {"add", [&] { return a + b; }, [&](int64_t i, int64_t k) { return p[i] + q[k]; }},
      {"multiply", [&] { return b * a; }, [&](int64_t i, int64_t k) { return p[i] * q[k]; }},
      {"maximum", [&] { return maximum(a, b); },
       [&](int64_t i, int64_t k) { return std::max(p[i], q[k]); }},
      {"where", [&] { return where(a < 0.5, b, a); },
       [&](int64_t i, int64_t k) { return p[i] < 0.5f ? q[k] : p[i]; }},
      {"broadcast_to",
       [&] {
         return broadcast_to(a, {rows, columns});
       },
       [&](int64_t i, int64_t) { return p[i]; }},
      {"matmul", [&] { return matmul(pair, of_pair); }, product, 1e-5},
      {"matmul of transposed",
       [&] { return matmul(transpose(pair), transpose(of_pair), true, true); }, product, 1e-5},
  };
  for (const auto& c : cases) {
    const Tensor y = c.got();
    BOOST_TEST((y.shape() == Shape{rows, columns}), c.what);
    const float* const got = y.data<float>();
    check_places<float>(c.what, y, [&](int64_t i, int64_t k) {
      const float expected = c.expected(i, k), is = got[i * columns + k];
      return std::abs(is - expected) <= c.tolerance ? is : expected;
    });
  }
  const Tensor drawn = random_uniform({rows, columns}, 0, 1, float32, 3);
  const float *const first = drawn.data<float>(), *const last = first + (int64_t{1} << 31);
  BOOST_TEST(!std::equal(first, first + 100, last));
  BOOST_TEST(mean(drawn).item() == 0.5, boost::test_tools::tolerance(1e-4));
}

// Of i - 2 k, which a float32 holds.
BOOST_AUTO_TEST_CASE(reductions_read_all_of_it) {
  const NoGradient none;
  const Tensor i = reshape(arange(0, static_cast<double>(rows), 1, float32), {rows, 1}),
               k = reshape(arange(0, static_cast<double>(columns), 1, float32), {1, columns}),
               x = i - 2 * k;
  const double n = static_cast<double>(rows), m = static_cast<double>(columns);
  const double mean_i = (n - 1) / 2, mean_k = (m - 1) / 2;
  const Tensor by_row = reshape(i, {rows}), by_column = reshape(-2 * k, {columns});
  const struct {
    const char* what;
    std::function<Tensor()> got;
    Tensor expected;
    double tolerance = 0;
  } cases[] = {
      {"sum", [&] { return sum(x); }, full({}, n * m * (mean_i - 2 * mean_k)), 1e-6},
      {"mean", [&] { return mean(x); }, full({}, mean_i - 2 * mean_k), 1e-6},
      {"max", [&] { return max(x); }, full({}, n - 1)},
      {"min", [&] { return min(x); }, full({}, -2 * (m - 1))},
      {"sum of a row", [&] { return sum(x, 1); }, m * (by_row - 2 * mean_k), 1e-6},
      {"sum of a column", [&] { return sum(x, 0); }, n * (by_column + mean_i), 1e-6},
      {"mean of a row", [&] { return mean(x, 1); }, by_row - 2 * mean_k, 1e-6},
      {"mean of a column", [&] { return mean(x, 0); }, by_column + mean_i, 1e-6},
      {"max of a row", [&] { return max(x, 1); }, by_row},
      {"max of a column", [&] { return max(x, 0); }, by_column + (n - 1)},
      {"min of a row", [&] { return min(x, 1); }, by_row - 2 * (m - 1)},
      {"min of a column", [&] { return min(x, 0); }, by_column},
      {"argmax of a row", [&] { return argmax(x, 1); }, zeros({rows}, int64)},
      {"the last row", [&] { return x[-1]; }, by_column + (n - 1)},
      {"the last column", [&] { return take(x, -1, 1); }, by_row - 2 * (m - 1)},
      {"a row that is looked up",
       [&] { return gather(x, tensor(std::vector<int64_t>{rows - 2}, {})); }, by_column + (n - 2)},
      {"a product with it",
       [&] {
         return matmul(x, ones({columns, 1}));
       },
       reshape(m * (by_row - 2 * mean_k), {rows, 1}), 1e-4},
      {"its product",
       [&] {
         return matmul(ones({1, rows}), x);
       },
       reshape(n * (by_column + mean_i), {1, columns}), 1e-4},
  };
  for (const auto& c : cases) testing::check_close(c.what, c.got(), c.expected, c.tolerance);
}

}  // namespace
}  // namespace tempo
