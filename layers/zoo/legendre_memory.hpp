// SPDX-License-Identifier: Apache-2.0
// The fixed recurrence of the Legendre memory unit, in discrete time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <tempo/export.hpp>

namespace tempo TEMPO_HIDDEN {
namespace zoo {

/// m' = m A + u B for rows m: a delay of `theta` steps in Legendre polynomials, with u held between
/// steps. In continuous time it is d/dt (m, u) = (m, u) M (Voelker et al., 2019, equations 1 and
/// 2); A and B are parts of e^M.
struct LegendreMemory {
  LegendreMemory(int64_t order, double theta) {
    const auto n = static_cast<std::size_t>(order), all = n + 1;
    std::vector<double> M(all * all, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      const double scale = static_cast<double>(2 * i + 1) / theta;
      for (std::size_t j = 0; j < n; ++j)
        M[j * all + i] = scale * (i < j ? -1.0 : (i - j) % 2 == 0 ? -1.0 : 1.0);
      M[n * all + i] = scale * (i % 2 == 0 ? 1.0 : -1.0);
    }
    const std::vector<double> e = exponential(M, all);
    for (std::size_t i = 0; i < n; ++i)
      A.insert(A.end(), e.begin() + static_cast<std::ptrdiff_t>(i * all),
               e.begin() + static_cast<std::ptrdiff_t>(i * all + n));
    B.assign(e.begin() + static_cast<std::ptrdiff_t>(n * all), e.end() - 1);
  }

  std::vector<double> A, B;  ///< [order, order] and [order]

 private:
  static std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b,
                                     std::size_t n) {
    std::vector<double> c(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < n; ++k)
        for (std::size_t j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
    return c;
  }
  // e^M by its series: M is halved until it is small, and the result is squared as often.
  static std::vector<double> exponential(std::vector<double> M, std::size_t n) {
    double largest = 0;
    for (const double value : M) largest = std::max(largest, std::abs(value));
    int halvings = 0;
    for (double size = largest * static_cast<double>(n); size > 0.125; size /= 2) ++halvings;
    for (double& value : M) value = std::ldexp(value, -halvings);
    std::vector<double> sum(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) sum[i * n + i] = 1;
    std::vector<double> term = sum;
    for (int k = 1; k <= 16; ++k) {
      term = product(term, M, n);
      for (std::size_t i = 0; i < n * n; ++i) sum[i] += term[i] /= k;
    }
    for (int k = 0; k < halvings; ++k) sum = product(sum, sum, n);
    return sum;
  }
};

}  // namespace zoo
}  // namespace tempo
