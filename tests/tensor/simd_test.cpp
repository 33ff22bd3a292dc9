// SPDX-License-Identifier: Apache-2.0
// The kernels of each instruction set of this processor: functions against long double, products
// against plain loops, and independence of place, grouping and instruction set.
#define BOOST_TEST_MODULE simd
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "graph/op.hpp"
#include "instruction_sets.hpp"
#include "tensor/kernels/pointwise.hpp"
#include "tensor/parallel.hpp"
#include "tensor/products/matmul.hpp"
#include "tensor/products/packed.hpp"

namespace tempo {
namespace {

using testing::on_each_instruction_set;

// --- functions ------------------------------------------------------------------------------

using Exact = long double (*)(long double);

/// |got - exact| in units in the last place of a T near `exact`; 0 if both are NaN or the same.
template <class T>
double ulps(T got, long double exact) {
  const T nearest = static_cast<T>(exact);
  if (std::isnan(got) || std::isnan(nearest))
    return std::isnan(got) == std::isnan(nearest) ? 0 : 1e30;
  if (got == nearest) return 0;
  if (std::isinf(got) || std::isinf(nearest))  // one beyond the greatest finite number
    return std::abs(got) >= std::numeric_limits<T>::max() / 2 &&
                   std::abs(nearest) >= std::numeric_limits<T>::max() / 2 &&
                   (got > 0) == (nearest > 0)
               ? 1
               : 1e30;
  int exponent = 0;
  std::frexp(nearest, &exponent);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
  const long double unit = std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits);
  return static_cast<double>(std::abs(static_cast<long double>(got) - exact) / unit);
}

/// Every exponent with both signs and many fractions, near and far, and special numbers.
template <class T>
const std::vector<T>& whole_range() {
  static const std::vector<T> values = [] {
    using Limits = std::numeric_limits<T>;
    std::vector<T> all = {T(0),
                          T(-0.0),
                          Limits::infinity(),
                          -Limits::infinity(),
                          Limits::min(),
                          Limits::max(),
                          Limits::lowest(),
                          Limits::denorm_min(),
                          -Limits::min(),
                          Limits::quiet_NaN(),
                          T(1),
                          T(-1),
                          T(0.7),
                          T(-0.7)};
    std::mt19937_64 random(7);
    std::uniform_real_distribution<T> fraction(1, 2), near(-20, 20), far(-120, 120),
        very_far(-760, 760);
    for (int e = Limits::min_exponent - Limits::digits; e < Limits::max_exponent; ++e)
      for (int i = 0; i < 40; ++i) {
        const T x = std::ldexp(fraction(random), e);
        all.push_back(x);
        all.push_back(-x);
      }
    for (int i = 0; i < 200000; ++i)
      for (auto* from : {&near, &far, &very_far}) all.push_back((*from)(random));
    for (int i = 0; i < 20000; ++i) all.push_back(T(1) + near(random) / T(100));
    return all;
  }();
  return values;
}

template <class T>
std::vector<T> run(Tile tile, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  const void* inputs[] = {x.data()};
  const int64_t strides[] = {1};
  tile(inputs, strides, y.data(), static_cast<int64_t>(x.size()), {});
  return y;
}

template <class T>
void check_function(const char* name, const Kernel& kernel, Exact exact, double limit) {
  std::vector<long double> truth;
  for (T x : whole_range<T>()) truth.push_back(exact(x));
  on_each_instruction_set([&](InstructionSet set) {
    const std::vector<T> y = run(kernel.tile(dtype_of<T>, dtype_of<T>), whole_range<T>());
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
      if (const double error = ulps(y[i], truth[i]); error > worst) worst = error, at = i;
    BOOST_TEST_MESSAGE(name << " " << tempo::name_of(dtype_of<T>) << " " << name_of(set) << ": "
                            << worst << " ulp at " << whole_range<T>()[at]);
    BOOST_TEST(worst <= limit, name << " " << tempo::name_of(dtype_of<T>) << " at "
                                    << whole_range<T>()[at] << ": " << y[at] << " instead of "
                                    << truth[at] << ", " << worst << " ulp");
  });
}

struct Function {
  const char* op;
  Exact exact;
  double float32_limit, float64_limit;  // in ulp; docs/performance/kernels.md states them
};

const Function functions[] = {
    {"exp", [](long double x) { return std::exp(x); }, 1.1, 1.1},
    {"log", [](long double x) { return std::log(x); }, 1, 1},
    {"tanh", [](long double x) { return std::tanh(x); }, 5.25, 1.5},
    {"sigmoid",
     [](long double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); },
     2.5, 2.5},
    {"softplus",
     [](long double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); },
     2.5, 2.5},
};

const Kernel& kernel_of(const char* op) { return find_op(op)->kernel; }

BOOST_AUTO_TEST_CASE(functions_are_accurate_to_a_few_ulp_over_the_whole_range) {
  for (const Function& f : functions) {
    check_function<float>(f.op, kernel_of(f.op), f.exact, f.float32_limit);
    check_function<double>(f.op, kernel_of(f.op), f.exact, f.float64_limit);
  }
}

BOOST_AUTO_TEST_CASE(saturated_functions_keep_their_bounds) {
  on_each_instruction_set([](InstructionSet) {
    const std::vector<float> y =
        run(kernel_of("tanh").tile(float32, float32), whole_range<float>());
    for (std::size_t i = 0; i < y.size(); ++i)
      if (!std::isnan(y[i])) BOOST_TEST_REQUIRE(std::abs(y[i]) <= 1.0f);
  });
}

// --- tiles ----------------------------------------------------------------------------------

const int64_t sizes[] = {0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 255, 256, 257, 530};

/// Eighths, so that products and sums of a few are exact.
template <class T>
std::vector<T> mixed(int64_t n, int64_t seed) {
  std::vector<T> x;
  for (int64_t i = 0; i < n; ++i)
    x.push_back(static_cast<T>((i * 7919 + seed * 31) % 1000 - 500) / T(8));
  return x;
}

BOOST_AUTO_TEST_CASE(a_value_does_not_depend_on_its_place_in_the_tile) {
  on_each_instruction_set([](InstructionSet) {
    for (const Function& f : functions) {
      const Tile tile = kernel_of(f.op).tile(float32, float32);
      const std::vector<float> x = mixed<float>(600, 1), y = run(tile, x);
      for (int64_t n : sizes)
        for (int64_t from : {0, 1, 13}) {
          const std::vector<float> part(x.begin() + from, x.begin() + from + n);
          const std::vector<float> got = run(tile, part);
          const bool same =
              n == 0 || std::memcmp(got.data(), y.data() + from, got.size() * sizeof(float)) == 0;
          BOOST_TEST_REQUIRE(same, f.op << ", " << n << " elements from " << from);
        }
    }
  });
}

/// Every choice of strides, into fresh memory and in place of each input that advances.
template <class T, class F>
void check_tile(const char* name, const Kernel& kernel, int arity, F expected) {
  const Tile tile = kernel.tile(dtype_of<T>, dtype_of<T>);
  for (int64_t n : sizes)
    for (int repeated = 0; repeated < 1 << arity; ++repeated)
      for (int in_place = -1; in_place < arity; ++in_place) {
        if (in_place >= 0 && (repeated >> in_place & 1)) continue;
        std::vector<T> x[3], guarded(static_cast<std::size_t>(n + 1), T(77));
        const void* inputs[3];
        int64_t strides[3];
        for (int i = 0; i < arity; ++i) {
          strides[i] = repeated >> i & 1 ? 0 : 1;
          x[i] = mixed<T>(strides[i] ? n + 1 : 1, i + 1);
          if (i == in_place) x[i].back() = T(77);
          inputs[i] = x[i].data();
        }
        const std::vector<T> before[] = {x[0], x[1], x[2]};
        T* y = in_place < 0 ? guarded.data() : x[in_place].data();
        tile(inputs, strides, y, n, {});
        BOOST_TEST_REQUIRE(y[n] == T(77), name << " writes beyond " << n);
        for (int64_t j = 0; j < n; ++j) {
          const auto at = [&](int i) {
            return i < arity ? before[i][static_cast<std::size_t>(j * strides[i])] : T(0);
          };
          BOOST_TEST_REQUIRE(y[j] == expected(at(0), at(1), at(2)),
                             name << ", element " << j << " of " << n << ", repeated " << repeated
                                  << ", in place of " << in_place);
        }
      }
}

/// Rows with gaps between them: one input has its own row for each, one has one element, and one
/// has the same row for all. Results are as row by row; the gaps are left alone.
template <class T>
void check_rows(const Tile tile, int64_t n) {
  constexpr int64_t count = 3, gap = 5;
  const std::vector<T> a = mixed<T>(count * (n + gap), 1), b = mixed<T>(count, 2),
                       c = mixed<T>(n + 1, 3);
  const auto bytes = [](int64_t elements) { return elements * static_cast<int64_t>(sizeof(T)); };
  const int64_t strides[] = {1, 0, 1};
  std::vector<T> y(static_cast<std::size_t>(count * (n + gap)), T(77)), expected = y;
  const void* inputs[] = {a.data(), b.data(), c.data()};
  tile(inputs, strides, y.data(), n, {count, {bytes(n + gap), bytes(1), 0}, bytes(n + gap)});
  for (int64_t r = 0; r < count; ++r) {
    const void* row[] = {a.data() + r * (n + gap), b.data() + r, c.data()};
    tile(row, strides, expected.data() + r * (n + gap), n, {});
  }
  BOOST_TEST_REQUIRE(std::memcmp(y.data(), expected.data(), y.size() * sizeof(T)) == 0,
                     "3 rows of " << n);
}

BOOST_AUTO_TEST_CASE(several_rows_are_computed_like_each_alone) {
  const Kernel blend = pointwise([](auto a, auto b, auto c) { return a * b + c; });
  const Kernel multiply = pointwise([](auto a, auto b) { return a * b; });
  on_each_instruction_set([&](InstructionSet) {
    for (int64_t n : sizes) {
      check_rows<float>(blend.tile(float32, float32), n);
      check_rows<double>(blend.tile(float64, float64), n);
      check_rows<float>(multiply.tile(float32, float32), n);
    }
  });
}

BOOST_AUTO_TEST_CASE(tiles_repeat_inputs_and_work_in_place) {
  const Kernel negate = pointwise<Numeric>([](auto a) { return -a; });
  const Kernel subtract = pointwise<Numeric>([](auto a, auto b) { return a - b; });
  const Kernel blend = pointwise([](auto a, auto b, auto c) { return a * b + c; });
  on_each_instruction_set([&](InstructionSet) {
    check_tile<float>("negate", negate, 1, [](auto a, auto, auto) { return -a; });
    check_tile<int64_t>("negate", negate, 1, [](auto a, auto, auto) { return -a; });
    check_tile<float>("subtract", subtract, 2, [](auto a, auto b, auto) { return a - b; });
    check_tile<double>("subtract", subtract, 2, [](auto a, auto b, auto) { return a - b; });
    check_tile<int32_t>("subtract", subtract, 2, [](auto a, auto b, auto) { return a - b; });
    check_tile<float>("blend", blend, 3, [](auto a, auto b, auto c) { return a * b + c; });
    check_tile<double>("blend", blend, 3, [](auto a, auto b, auto c) { return a * b + c; });
  });
}

template <class T>
void check_comparison_and_choice() {
  const Tile less = comparison([](auto a, auto b) { return a < b; }).tile(dtype_of<T>, bool_);
  const Tile choose = where_kernel().tile(dtype_of<T>, dtype_of<T>);
  for (int64_t n : sizes)
    for (int repeated = 0; repeated < 8; ++repeated) {
      const auto stride = [&](int i) -> int64_t { return repeated >> i & 1 ? 0 : 1; };
      const std::vector<T> a = mixed<T>(n + 1, 1), b = mixed<T>(n + 1, 2);
      std::array<bool, 600> is_less{};
      const void* compared[] = {a.data(), b.data()};
      const int64_t both[] = {stride(0), stride(1)};
      less(compared, both, is_less.data(), n, {});
      for (int64_t j = 0; j < n; ++j)
        BOOST_TEST_REQUIRE(
            is_less[static_cast<std::size_t>(j)] ==
            (a[static_cast<std::size_t>(j * both[0])] < b[static_cast<std::size_t>(j * both[1])]));
      std::vector<T> y(static_cast<std::size_t>(n + 1));
      const void* chosen[] = {is_less.data(), a.data(), b.data()};
      const int64_t all[] = {stride(0), stride(1), stride(2)};
      choose(chosen, all, y.data(), n, {});
      for (int64_t j = 0; j < n; ++j)
        BOOST_TEST_REQUIRE(y[static_cast<std::size_t>(j)] ==
                           (is_less[static_cast<std::size_t>(j * all[0])]
                                ? a[static_cast<std::size_t>(j * all[1])]
                                : b[static_cast<std::size_t>(j * all[2])]));
    }
}

BOOST_AUTO_TEST_CASE(tiles_compare_and_choose) {
  on_each_instruction_set([](InstructionSet) {
    check_comparison_and_choice<float>();
    check_comparison_and_choice<double>();
    check_comparison_and_choice<int32_t>();
    check_comparison_and_choice<int64_t>();
  });
}

// --- packed products ------------------------------------------------------------------------

struct Free {
  void operator()(void* p) const { std::free(p); }
};

template <class T>
struct Packed {
  std::unique_ptr<void, Free> memory;
  PackedMatrix matrix;
  Packed(int64_t k, int64_t n, const std::vector<MatrixPart>& parts)
      : memory(std::aligned_alloc(64, (packed_bytes(dtype_of<T>, k, n) + 64) / 64 * 64)),
        matrix(pack(dtype_of<T>, k, n, parts, memory.get())) {}
  Packed(bool transpose, int64_t k, int64_t n, const std::vector<T>& b, int64_t ldb)
      : Packed(k, n, {{b.data(), ldb, transpose, k, n}}) {}
};

template <class T>
std::vector<T> uniform(int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<T> value(-1, 1);
  std::vector<T> x(static_cast<std::size_t>(n));
  for (T& each : x) each = value(random);
  return x;
}

/// Rows have gaps between them, which are left alone. With k2 it is the sum of two products; the
/// second multiplies the first `k2` columns of a with as many rows of b.
template <class T>
void check_product(int64_t m, int64_t k, int64_t n, bool transpose, bool accumulate,
                   bool biased = false, int64_t k2 = -1) {
  constexpr int64_t gap = 3;
  const int64_t lda = k + gap, ldb = (transpose ? k : n) + gap, ldc = n + gap;
  const std::vector<T> a = uniform<T>(m * lda, 1), b = uniform<T>((transpose ? n : k) * ldb, 2);
  const std::vector<T> before = uniform<T>(m * ldc, 3);
  std::vector<T> c = before;
  const std::vector<T> bias = uniform<T>(n, 4);
  const Packed<T> packed(transpose, k, n, b, ldb);
  const Packed<T> second(transpose, std::max<int64_t>(k2, 0), n, b, ldb);
  const PackedProduct products[] = {{a.data(), lda, &packed.matrix},
                                    {a.data(), lda, &second.matrix}};
  multiply(m, {products, k2 < 0 ? 1u : 2u}, c.data(), ldc, accumulate,
           biased ? bias.data() : nullptr);
  const double tolerance = 4 * std::numeric_limits<T>::epsilon() * static_cast<double>(k + 1);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < ldc; ++j) {
      const auto at = static_cast<std::size_t>(i * ldc + j);
      double expected = accumulate || j >= n ? static_cast<double>(before[at]) : 0;
      if (biased && j < n) expected += static_cast<double>(bias[static_cast<std::size_t>(j)]);
      for (int64_t p = 0; j < n && p < k; ++p)
        expected +=
            (p < k2 ? 2 : 1) * static_cast<double>(a[static_cast<std::size_t>(i * lda + p)]) *
            static_cast<double>(b[static_cast<std::size_t>(transpose ? j * ldb + p : p * ldb + j)]);
      const double limit = j < n ? tolerance : 0;
      BOOST_TEST_REQUIRE(std::abs(static_cast<double>(c[at]) - expected) <= limit,
                         "[" << m << ", " << k << "] x [" << k << ", " << n << "] at " << i << ", "
                             << j << ": " << c[at] << " instead of " << expected);
    }
}

BOOST_AUTO_TEST_CASE(packed_products_are_those_of_plain_loops) {
  on_each_instruction_set([](InstructionSet) {
    for (int64_t m = 1; m <= 40; ++m)
      for (int64_t n = 1; n <= 40; ++n) {
        const int64_t k = (m * 7 + n * 3) % 40 + 1;
        check_product<float>(m, k, n, (m + n) % 2 == 0, n % 3 == 0, m % 3 == 1);
        check_product<double>(m, k, n, (m + n) % 2 == 1, n % 3 == 1, m % 3 == 2);
      }
    for (int64_t m : {1, 2, 3, 5, 14, 15, 29})
      for (int64_t n : {63, 64, 65, 96, 127, 128, 129, 160, 257, 300})
        for (int64_t k : {0, 1, 17, 128}) {
          check_product<float>(m, k, n, true, true, true);
          check_product<float>(m, k, n, false, false);
          check_product<double>(m, k, n, false, true);
          check_product<float>(m, k, n, false, false, true, k / 2);
          check_product<double>(m, k, n, true, true, false, k);
        }
    check_product<float>(0, 5, 5, false, false);
    check_product<float>(5, 5, 0, false, false);
  });
}

/// From four parts, cut at row k1 and column n1: the same bytes as from one.
template <class T>
void check_parts(bool transpose, int64_t k, int64_t k1, int64_t n, int64_t n1) {
  const int64_t ld = transpose ? k : n;
  const std::vector<T> b = uniform<T>(k * n, 7);
  std::vector<MatrixPart> parts;
  for (const auto& [k0, rows] : {std::pair{int64_t{0}, k1}, {k1, k - k1}})
    for (const auto& [n0, columns] : {std::pair{int64_t{0}, n1}, {n1, n - n1}})
      parts.push_back({b.data() + (transpose ? n0 * ld + k0 : k0 * ld + n0), ld, transpose, rows,
                       columns, k0, n0});
  const Packed<T> whole(transpose, k, n, b, ld), cut(k, n, parts);
  const auto bytes = static_cast<std::size_t>(k * n) * sizeof(T);
  BOOST_TEST_REQUIRE(std::memcmp(whole.memory.get(), cut.memory.get(), bytes) == 0,
                     "[" << k << ", " << n << "] cut at " << k1 << ", " << n1);
}

BOOST_AUTO_TEST_CASE(a_right_side_of_several_parts_is_packed_like_a_whole_one) {
  on_each_instruction_set([](InstructionSet) {
    for (bool transpose : {false, true})
      for (const auto& [n, n1] : {std::pair<int64_t, int64_t>{64, 32}, {61, 19}, {100, 3}})
        for (const auto& [k, k1] : {std::pair<int64_t, int64_t>{40, 16}, {33, 7}, {5, 0}}) {
          check_parts<float>(transpose, k, k1, n, n1);
          check_parts<double>(transpose, k, k1, n, n1);
        }
  });
}

template <class T>
void check_grouping(int64_t k, int64_t n, bool accumulate) {
  constexpr int64_t m = 37;
  const std::vector<T> a = uniform<T>(m * k, 4), b = uniform<T>(k * n, 5);
  const Packed<T> packed(false, k, n, b, n);
  std::vector<T> whole = uniform<T>(m * n, 6);
  const std::vector<T> before = whole;
  const auto multiply_from = [&](int64_t row, int64_t rows, T* c) {
    const PackedProduct product{a.data() + row * k, k, &packed.matrix};
    multiply(rows, {&product, 1}, c + row * n, n, accumulate);
  };
  multiply_from(0, m, whole.data());
  for (int64_t rows = 1; rows < m; ++rows) {
    std::vector<T> parts = before;
    for (int64_t i = 0; i < m; i += rows) multiply_from(i, std::min(rows, m - i), parts.data());
    BOOST_TEST_REQUIRE(std::memcmp(parts.data(), whole.data(), whole.size() * sizeof(T)) == 0,
                       rows << " rows at a time, k " << k << ", n " << n);
  }
}

BOOST_AUTO_TEST_CASE(rows_alone_and_in_blocks_have_the_same_bits) {
  on_each_instruction_set([](InstructionSet) {
    for (const auto& [k, n] :
         {std::pair<int64_t, int64_t>{19, 76}, {64, 256}, {33, 5}, {128, 130}}) {
      check_grouping<float>(k, n, false);
      check_grouping<float>(k, n, true);
      check_grouping<double>(k, n, true);
    }
  });
}

/// gemm, with any kernel that it chooses, against products in double.
template <class T>
void check_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t k, int64_t n, double beta) {
  constexpr int64_t gap = 5;
  const int64_t lda = (transpose_a ? m : k) + gap, ldb = (transpose_b ? k : n) + gap, ldc = n + gap;
  const std::vector<T> a = uniform<T>((transpose_a ? k : m) * lda, 7);
  const std::vector<T> b = uniform<T>((transpose_b ? n : k) * ldb, 8);
  const std::vector<T> before = uniform<T>(m * ldc, 9);
  std::vector<T> c = before;
  gemm(dtype_of<T>, transpose_a, transpose_b, m, n, k, a.data(), lda, b.data(), ldb, beta, c.data(),
       ldc);
  const auto at = [](const std::vector<T>& x, bool transpose, int64_t ld, int64_t i, int64_t j) {
    return static_cast<double>(x[static_cast<std::size_t>(transpose ? j * ld + i : i * ld + j)]);
  };
  const double tolerance = 4 * std::numeric_limits<T>::epsilon() * static_cast<double>(k + 1);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < ldc; ++j) {
      double expected = at(before, false, ldc, i, j);
      if (j < n) {
        expected *= beta;
        for (int64_t p = 0; p < k; ++p)
          expected += at(a, transpose_a, lda, i, p) * at(b, transpose_b, ldb, p, j);
      }
      BOOST_TEST_REQUIRE(std::abs(at(c, false, ldc, i, j) - expected) <= (j < n ? tolerance : 0),
                         (transpose_a ? "at " : "a ")
                             << (transpose_b ? "bt, " : "b, ") << m << " x " << k << " x " << n
                             << ", beta " << beta << " at " << i << ", " << j << ": "
                             << at(c, false, ldc, i, j) << " instead of " << expected);
    }
}

BOOST_AUTO_TEST_CASE(large_products_are_those_of_plain_loops) {
  struct Case {
    int64_t m, k, n;
    double beta;
  };
  const Case cases[] = {{200, 33, 130, 0}, {97, 130, 64, 1},  {64, 300, 129, 1},  {19, 260, 76, 0},
                        {190, 97, 65, 0},  {300, 1, 2100, 1}, {130, 40, 70, 0.5}, {5, 6, 7, 1},
                        {600, 280, 70, 1}, {205, 520, 64, 0}};
  on_each_instruction_set([&](InstructionSet) {
    for (const auto& [m, k, n, beta] : cases)
      for (bool transpose_a : {false, true})
        for (bool transpose_b : {false, true}) {
          check_gemm<float>(transpose_a, transpose_b, m, k, n, beta);
          check_gemm<double>(transpose_a, transpose_b, m, k, n, beta);
        }
  });
}

BOOST_AUTO_TEST_CASE(large_products_have_the_same_bits_on_any_number_of_threads) {
  const int before = threads();
  const int64_t k = 300, n = 512;
  for (bool transpose_a : {false, true}) {
    const int64_t m = transpose_a ? 128 : 512;
    const std::vector<float> a = uniform<float>(m * k, 1), b = uniform<float>(k * n, 2);
    std::vector<float> one(static_cast<std::size_t>(m * n)), three = one;
    for (auto [count, c] : {std::pair{1, &one}, {3, &three}}) {
      set_threads(count);
      gemm(float32, transpose_a, false, m, n, k, a.data(), transpose_a ? m : k, b.data(), n, 0,
           c->data(), n);
    }
    BOOST_TEST(std::memcmp(one.data(), three.data(), one.size() * sizeof(float)) == 0);
  }
  set_threads(before);
}

// --- instruction sets -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_unknown_instruction_set_is_named) {
  if (is_supported(InstructionSet::avx512)) return;
  BOOST_CHECK_THROW(set_instruction_set(InstructionSet::avx512), Error);
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (pipe && std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe.get()))
    text += buffer.data();
  return text;
}

// Found by its path: under an emulator, /proc/PID/exe is the emulator.
std::string this_program() { return boost::unit_test::framework::master_test_suite().argv[0]; }

/// If a Math is not compiled into a function's loop, the loop calls fma in libm for each element.
BOOST_AUTO_TEST_CASE(no_kernel_calls_libm_for_what_math_has) {
  std::istringstream names(output_of("nm --undefined-only " TEMPO_KERNEL_OBJECTS));
  std::size_t count = 0;
  for (std::string name; names >> name; ++count) {
    name.resize(std::min(name.size(), name.find('@')));
    for (const char* function : {"fma", "fmaf", "exp", "expf", "tanh", "tanhf"})
      BOOST_TEST(name != function);
  }
  BOOST_TEST(count > 0u, "nm shows no symbol of the kernels");
}

/// A weak function compiled for AVX could replace that of a file that was not.
BOOST_AUTO_TEST_CASE(no_function_that_the_linker_may_share_is_compiled_for_avx) {
#if defined(__x86_64__) && !defined(__AVX__)
  std::istringstream names(output_of("nm --defined-only '" + this_program() + "'"));
  std::map<std::string, bool> weak;
  std::string address, kind, name;
  while (names >> address >> kind >> name)
    if (kind == "W" || kind == "V" || kind == "u") weak[name] = true;
  BOOST_TEST_REQUIRE(!weak.empty(), "nm shows no weak symbol of " << this_program());
  std::istringstream code(output_of("objdump -d --no-show-raw-insn '" + this_program() + "'"));
  bool watched = false;
  std::size_t functions_seen = 0;
  for (std::string line; std::getline(code, line);) {
    if (const auto begin = line.find('<'); line.ends_with(">:") && begin != std::string::npos) {
      name = line.substr(begin + 1, line.size() - begin - 3);
      watched = weak.count(name) != 0;
      ++functions_seen;
    } else if (const auto tab = line.find('\t'); watched && tab != std::string::npos) {
      const std::string instruction = line.substr(tab + 1);
      BOOST_TEST_REQUIRE(!instruction.starts_with("v"), name << ": " << instruction);
    }
  }
  BOOST_TEST(functions_seen > 0u, "objdump shows no function of " << this_program());
  BOOST_TEST_MESSAGE(weak.size() << " weak symbols, " << functions_seen << " functions");
#endif
}

}  // namespace
}  // namespace tempo
