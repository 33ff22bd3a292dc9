// SPDX-License-Identifier: Apache-2.0
// Shared by tests: tensors to try things on, comparisons that say where they fail, error texts.
#pragma once

#include <algorithm>
#include <limits>
#include <sstream>

#include <boost/test/unit_test.hpp>

#include <tempo/ops.hpp>

#include "tensor/place.hpp"

namespace tempo::testing {

/// Checks for the same shape and dtype, and elements within tolerance * max(1, |largest expected
/// element|). A tolerance of 0 requires equal elements. NaN equals NaN.
inline void check_close(const std::string& what, const Tensor& got, const Tensor& expected,
                        double tolerance) {
  if (got.shape() != expected.shape() || got.dtype() != expected.dtype()) {
    BOOST_ERROR(what << ": got " << to_string(got.shape(), got.dtype()) << ", expected "
                     << to_string(expected.shape(), expected.dtype()));
    return;
  }
  const std::vector<double> a = got.to_vector(), b = expected.to_vector();
  double scale = 1, worst = -1;
  std::size_t at = 0;
  for (const double value : b)
    if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    double error =
        a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) ? 0 : std::abs(a[i] - b[i]);
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
    if (error <= worst) continue;
    worst = error;
    at = i;
  }
  BOOST_TEST_PASSPOINT();
  if (worst <= tolerance * scale) return;
  std::ostringstream text;
  text.precision(17);
  text << what << " " << to_string(got.shape(), got.dtype()) << " at "
       << place_in(got.shape(), static_cast<int64_t>(at)) << ": got " << a[at] << ", expected "
       << b[at] << ", within " << tolerance << " of scale " << scale;
  BOOST_ERROR(text.str());
}

/// Checks that they are equal bit for bit.
inline void check_same(const std::string& what, const Tensor& got, const Tensor& expected) {
  check_close(what, got, expected, 0);
  if (got.dtype() != int64 || got.dtype() != expected.dtype() || got.shape() != expected.shape())
    return;
  const std::vector<int64_t> a = got.to_vector<int64_t>(), b = expected.to_vector<int64_t>();
  const auto at = std::mismatch(a.begin(), a.end(), b.begin());
  if (at.first != a.end() && static_cast<double>(*at.first) == static_cast<double>(*at.second))
    BOOST_ERROR(what << ": got " << *at.first << ", expected " << *at.second
                     << ", which are one number as doubles");
}

/// The text of the error that f throws; "nothing was thrown" if it throws none.
template <class E = Error, class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// A float64 tensor of normal numbers, the same in each run.
inline Tensor normal(const Shape& shape, int64_t seed = 1) {
  return random_normal(shape, 0, 1, float64, seed);
}
inline Tensor uniform(double low, double high, const Shape& shape, int64_t seed = 1) {
  return random_uniform(shape, low, high, float64, seed);
}

/// While one lives, `n` threads are in use.
class Threads {
 public:
  explicit Threads(int n) { set_threads(n); }
  ~Threads() { set_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_ = threads();
};

/// Combines all results into one float64 number that depends on each element.
inline Tensor mixed(const Tensors& results) {
  Tensor total = scalar(0, float64);
  int64_t seed = 90;
  for (const Tensor& t : results) total = total + sum(t * normal(t.shape(), seed++));
  return total;
}

}  // namespace tempo::testing
