// SPDX-License-Identifier: Apache-2.0
// Products in int8 against sums in int64, to the bit, with each instruction set.
#define BOOST_TEST_MODULE int8
#include "tensor/products/int8.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "instruction_sets.hpp"
#include "tensor/parallel.hpp"
#include "tensor/products/matmul.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

using Floats = std::vector<float>;
constexpr float infinity = std::numeric_limits<float>::infinity(),
                nan_value = std::numeric_limits<float>::quiet_NaN();

struct Free {
  void operator()(void* p) const { std::free(p); }
};

struct Rounded {
  std::unique_ptr<void, Free> memory;
  PackedMatrix matrix;
  Rounded(int64_t k, int64_t n, const std::vector<MatrixPart>& parts)
      : memory(std::aligned_alloc(64, packed_int8_bytes(k, n) / 64 * 64 + 64)) {
    std::memset(memory.get(), 0x55, packed_int8_bytes(k, n));
    matrix = pack_int8(k, n, parts, memory.get());
  }
};

/// Numbers from -1 to 1; some are -1 or 1, and some are 0.
Floats numbers(int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-1.2F, 1.2F);
  Floats x(static_cast<std::size_t>(n));
  for (float& each : x) {
    each = value(random);
    each = std::abs(each) > 1 ? std::copysign(1.0F, each) : std::abs(each) < 0.1F ? 0 : each;
  }
  return x;
}

/// x as a scale times integers, as the comment in int8.hpp says.
struct Line {
  float scale;
  std::vector<int64_t> q;
  explicit Line(const Floats& x) {
    float largest = 0;
    for (float each : x) largest = std::max(largest, std::abs(each));
    const float inverse = std::min(127 / largest, 0x1p126F);
    scale = 1 / inverse;
    for (float each : x) q.push_back(std::llrint(each * inverse));
  }
};

/// A product [m, k] x [k, n] with gaps between the rows, and its expected result.
struct Case {
  int64_t m, k, n;
  bool transpose = false;
  static constexpr int64_t gap = 3;
  Floats a = {}, b = {};

  Case(int64_t rows, int64_t inner, int64_t columns, bool transposed = false)
      : m(rows),
        k(inner),
        n(columns),
        transpose(transposed),
        a(numbers(rows * lda(), 1)),
        b(numbers((transposed ? columns : inner) * ldb(), 2)) {}
  int64_t lda() const { return k + gap; }
  int64_t ldb() const { return (transpose ? k : n) + gap; }
  float& at_a(int64_t i, int64_t p) { return a[static_cast<std::size_t>(i * lda() + p)]; }
  float at_a(int64_t i, int64_t p) const { return a[static_cast<std::size_t>(i * lda() + p)]; }
  float& at_b(int64_t p, int64_t j) {
    return b[static_cast<std::size_t>(transpose ? j * ldb() + p : p * ldb() + j)];
  }
  float at_b(int64_t p, int64_t j) const { return const_cast<Case*>(this)->at_b(p, j); }
  Line row(int64_t i) const {
    Floats x;
    for (int64_t p = 0; p < k; ++p) x.push_back(at_a(i, p));
    return Line(x);
  }
  Line column(int64_t j) const {
    Floats x;
    for (int64_t p = 0; p < k; ++p) x.push_back(at_b(p, j));
    return Line(x);
  }
  Rounded rounded() const { return {k, n, {{b.data(), ldb(), transpose, k, n}}}; }
  PackedProduct product(const Rounded& r) const { return {a.data(), lda(), &r.matrix}; }
  /// [m, n]
  Floats expected() const {
    std::vector<Line> rows, columns;
    for (int64_t i = 0; i < m; ++i) rows.push_back(row(i));
    for (int64_t j = 0; j < n; ++j) columns.push_back(column(j));
    Floats c;
    for (const Line& r : rows)
      for (const Line& s : columns) {
        int64_t sum = 0;
        for (std::size_t p = 0; p < r.q.size(); ++p) sum += r.q[p] * s.q[p];
        c.push_back(static_cast<float>(sum) * (r.scale * s.scale));
      }
    return c;
  }
};

std::string text_of(const Case& x) {
  return "[" + std::to_string(x.m) + ", " + std::to_string(x.k) + "] x [" + std::to_string(x.k) +
         ", " + std::to_string(x.n) + "]";
}

/// One product, or the sum of two, added to c or not, with a bias or without.
void check(const Case& x, bool accumulate = false, bool biased = false,
           const Case* second = nullptr) {
  const int64_t ldc = x.n + Case::gap;
  const Floats before = numbers(x.m * ldc, 3), bias = numbers(x.n, 4), one = x.expected(),
               two = second ? second->expected() : Floats();
  Floats c = before;
  const Rounded rounded = x.rounded(), other = second ? second->rounded() : x.rounded();
  const PackedProduct products[] = {x.product(rounded), (second ? *second : x).product(other)};
  multiply(x.m, {products, second ? 2U : 1U}, c.data(), ldc, accumulate,
           biased ? bias.data() : nullptr);
  for (int64_t i = 0; i < x.m; ++i)
    for (int64_t j = 0; j < ldc; ++j) {
      const auto at = static_cast<std::size_t>(i * ldc + j);
      float expected = before[at];
      if (j < x.n) {
        const auto of = static_cast<std::size_t>(i * x.n + j);
        expected = accumulate ? expected + one[of] : one[of];
        if (second) expected += two[of];
        if (biased) expected += bias[static_cast<std::size_t>(j)];
      }
      BOOST_TEST_REQUIRE(
          (c[at] == expected || (std::isnan(c[at]) && std::isnan(expected))),
          text_of(x) << " at " << i << ", " << j << ": " << c[at] << " instead of " << expected);
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(products_in_int8_are_sums_in_int64) {
  on_each_instruction_set([](InstructionSet) {
    for (int64_t m = 1; m <= 20; ++m)
      for (int64_t n = 1; n <= 40; ++n) {
        const int64_t k = (m * 7 + n * 3) % 40 + 1;
        check(Case(m, k, n, (m + n) % 2 == 0), n % 3 == 0, m % 3 == 1);
      }
    for (int64_t m : {1, 2, 3, 6, 7, 13, 33, 65})
      for (int64_t n : {63, 64, 65, 127, 128, 129, 257})
        for (int64_t k : {1, 16, 17, 130}) {
          const Case x(m, k, n), second(m, k / 2 + 1, n, true);
          check(x, true, true);
          check(x, n % 2 == 0, m % 2 == 0, &second);
        }
  });
}

BOOST_AUTO_TEST_CASE(products_over_nothing_are_zero_and_those_of_nothing_are_left_alone) {
  on_each_instruction_set([](InstructionSet) {
    check(Case(3, 0, 5));
    check(Case(3, 0, 5), true, true);
    check(Case(0, 5, 5));
    check(Case(5, 5, 0));
  });
}

// 127 * 127 in each place: these sums would overflow in int16, and in int8 with an offset.
BOOST_AUTO_TEST_CASE(the_largest_sums_are_exact) {
  on_each_instruction_set([](InstructionSet) {
    for (int64_t k : {int64_t{2}, int64_t{257}, int64_t{4096}, longest_int8_sum})
      for (const float sign : {1.0F, -1.0F}) {
        Case x(2, k, k > 5000 ? 2 : 18);
        for (int64_t p = 0; p < k; ++p) {
          for (int64_t i = 0; i < x.m; ++i) x.at_a(i, p) = i == 0 ? 0.5F : p % 2 == 0 ? 1 : -1;
          for (int64_t j = 0; j < x.n; ++j) x.at_b(p, j) = j % 2 == 0 ? sign : x.at_a(1, p) * sign;
        }
        check(x);
        BOOST_TEST(x.expected()[0] == sign * static_cast<float>(k) / 2,
                   boost::test_tools::tolerance(1e-5F));
      }
  });
}

BOOST_AUTO_TEST_CASE(rows_and_columns_may_be_tiny_or_huge_or_zero) {
  on_each_instruction_set([](InstructionSet) {
    Case x(6, 21, 19);
    const float sizes[] = {0, 1e-40F, 1e-37F, 1e-20F, 1e20F, 1e38F};
    for (int64_t i = 0; i < x.m; ++i)
      for (int64_t p = 0; p < x.k; ++p) x.at_a(i, p) *= sizes[i];
    for (int64_t p = 0; p < x.k; ++p) {
      x.at_b(p, 0) = 0;
      x.at_b(p, 1) *= 1e-38F;
      x.at_b(p, 2) *= 1e-3F;
    }
    check(x);
  });
}

BOOST_AUTO_TEST_CASE(a_row_that_is_not_finite_is_multiplied_in_float_and_leaves_the_others_alone) {
  on_each_instruction_set([](InstructionSet) {
    for (const float value : {infinity, -infinity, nan_value}) {
      constexpr int64_t m = 9, k = 13, n = 21;
      Case x(m, k, n);
      for (int64_t j = 0; j < n; ++j) x.at_b(5, j) = j % 3 == 0 ? 0.5F : j % 3 == 1 ? -0.5F : 0;
      const Floats finite = x.expected();
      x.at_a(4, 5) = value;
      x.at_a(8, 5) = value;
      const Rounded rounded = x.rounded();
      const Floats bias(n, 2.0F);
      Floats c(m * n, 1.0F);
      const PackedProduct product = x.product(rounded);
      multiply(m, {&product, 1}, c.data(), n, true, bias.data());
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          const auto at = static_cast<std::size_t>(i * n + j);
          const bool bad = i == 4 || i == 8;
          const float expected = bad ? value * x.at_b(5, j) : 1.0F + finite[at] + 2.0F;
          BOOST_TEST_REQUIRE(
              (c[at] == expected || (std::isnan(c[at]) && std::isnan(expected))),
              value << " at " << i << ", " << j << ": " << c[at] << " instead of " << expected);
        }
    }
  });
}

BOOST_AUTO_TEST_CASE(a_column_that_is_not_finite_gives_nan_and_leaves_the_others_alone) {
  on_each_instruction_set([](InstructionSet) {
    for (const float value : {infinity, nan_value}) {
      Case x(5, 9, 20);
      const Floats finite = x.expected();
      x.at_b(3, 11) = value;
      const Rounded rounded = x.rounded();
      Floats c(100);
      const PackedProduct product = x.product(rounded);
      multiply(5, {&product, 1}, c.data(), 20, false);
      for (std::size_t at = 0; at < c.size(); ++at)
        BOOST_TEST_REQUIRE((at % 20 == 11 ? std::isnan(c[at]) : c[at] == finite[at]), at);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_right_side_of_several_parts_is_rounded_like_a_whole_one) {
  on_each_instruction_set([](InstructionSet) {
    for (const bool transpose : {false, true})
      for (const auto& [n, n1] : {std::pair<int64_t, int64_t>{64, 32}, {61, 19}, {100, 3}})
        for (const auto& [k, k1] : {std::pair<int64_t, int64_t>{40, 16}, {33, 7}, {5, 0}}) {
          const Case x(3, k, n, transpose);
          std::vector<MatrixPart> parts;
          for (const auto& [k0, rows] : {std::pair{int64_t{0}, k1}, {k1, k - k1}})
            for (const auto& [n0, columns] : {std::pair{int64_t{0}, n1}, {n1, n - n1}})
              parts.push_back({x.b.data() + (transpose ? n0 * x.ldb() + k0 : k0 * x.ldb() + n0),
                               x.ldb(), transpose, rows, columns, k0, n0});
          const Rounded cut(k, n, parts);
          Floats c(static_cast<std::size_t>(3 * n));
          const PackedProduct product = x.product(cut);
          multiply(3, {&product, 1}, c.data(), n, false);
          BOOST_TEST(c == x.expected(), boost::test_tools::per_element());
        }
  });
}

BOOST_AUTO_TEST_CASE(rows_alone_in_blocks_and_on_threads_have_the_same_bits) {
  on_each_instruction_set([](InstructionSet) {
    const Case x(300, 130, 150);
    const Rounded rounded = x.rounded();
    const Floats expected = x.expected();
    for (int64_t rows : {1, 2, 5, 31, 32, 33, 300}) {
      Floats c(expected.size());
      for (int64_t i = 0; i < x.m; i += rows) {
        const PackedProduct product{x.a.data() + i * x.lda(), x.lda(), &rounded.matrix};
        multiply(std::min(rows, x.m - i), {&product, 1}, c.data() + i * x.n, x.n, false);
      }
      BOOST_TEST_REQUIRE((c == expected), rows << " rows at a time");
    }
    const int before = threads();
    for (const int n : {1, 2}) {
      set_threads(n);
      Floats c(expected.size());
      multiply_rows(x.m, x.a.data(), x.lda(), rounded.matrix, c.data(), x.n);
      BOOST_TEST_REQUIRE((c == expected), n << " threads");
    }
    set_threads(before);
  });
}
