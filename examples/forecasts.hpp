// SPDX-License-Identifier: Apache-2.0
// Forecasts beside one another, by how far ahead they tell.
#pragma once

#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <tempo/tempo.hpp>

namespace tempo {

/// A forecast by its name, [n, horizons].
using Forecasts = std::vector<std::pair<std::string, Tensor>>;

/// Prints the root mean squared error of each against the truth [n, horizons], and returns them as
/// curves over the horizons.
inline std::vector<Curve> print_errors(const std::string& title, const Tensor& truth,
                                       const std::vector<int64_t>& horizons,
                                       const Forecasts& forecasts) {
  const auto count = static_cast<int64_t>(horizons.size());
  std::vector<Curve> curves;
  std::cout << std::setw(20) << title;
  for (const int64_t horizon : horizons) std::cout << std::setw(8) << horizon;
  for (const auto& [name, forecast] : forecasts) {
    const Tensor error = sqrt(mean(square(truth - forecast), 0));
    std::cout << '\n' << std::setw(20) << name << std::fixed << std::setprecision(2);
    for (int64_t i = 0; i < count; ++i) std::cout << std::setw(8) << error.element(i);
    curves.push_back({name, error, tensor(horizons, {count})});
  }
  std::cout << std::endl;
  return curves;
}

}  // namespace tempo
