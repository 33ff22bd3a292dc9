// SPDX-License-Identifier: Apache-2.0
// Beyond 2^31 elements, where a count in 32 bits would show. Needs 9 GiB: `ctest -C Large -R
// large`.
#define BOOST_TEST_MODULE large
#include <tempo/gradient.hpp>

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

}  // namespace
}  // namespace tempo
