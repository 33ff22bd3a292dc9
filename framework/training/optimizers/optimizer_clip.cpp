// SPDX-License-Identifier: Apache-2.0
// Clipping of gradients, safe for norms of any size.
#include <cmath>
#include <span>

#include <tempo/names.hpp>
#include <tempo/ops.hpp>

#include "training/optimizers/optimizer_state.hpp"
#include "training/settings.hpp"

namespace tempo {

void OptimizerState::require_one_clip() const {
  std::vector<std::string> clips;
  if (common.clipnorm > 0) clips.push_back("clipnorm=" + sdk::shortest(common.clipnorm));
  if (common.clipvalue > 0) clips.push_back("clipvalue=" + sdk::shortest(common.clipvalue));
  if (common.global_clipnorm > 0)
    clips.push_back("global_clipnorm=" + sdk::shortest(common.global_clipnorm));
  if (clips.size() > 1)
    throw Error(name() + ": only one of clipnorm, clipvalue and global_clipnorm may be set, got " +
                sdk::listed(clips) + ".");
}

namespace {

double largest_of(const Tensor& g) {
  return g.count() == 0 ? 0 : max(abs(cast(g, float64))).item();
}

// The sum of the squared elements divided by `unit`, so that no square overflows a double.
double sum_of_squares(const Tensor& g, double unit) {
  const Tensor x = cast(g, float64);
  return sum(square(unit == 1 ? x : x / unit)).item();
}

// The norm of all elements of all gradients together, in multiples of `unit`: 1, or the largest
// element if the squares cannot be summed as they are.
struct Norm {
  double unit = 1, in_units = 0;
};

Norm norm_of(std::span<const Tensor> gradients) {
  const auto squares = [&](double unit) {
    double total = 0;
    for (const Tensor& g : gradients) total += sum_of_squares(g, unit);
    return total;
  };
  constexpr double small = 1e-280, large = 1e280;  // smaller squares may have been lost
  const double plain = squares(1);
  if (plain > small && plain < large) return {1, std::sqrt(plain)};
  double largest = 0;
  for (const Tensor& g : gradients) {
    const double here = largest_of(g);
    if (!(here <= largest)) largest = here;
  }
  if (largest == 0 || !std::isfinite(largest)) return {1, largest};
  return {largest, std::sqrt(squares(largest))};
}

// The gradient times c / max(norm, c). This factor may be too small for the gradient's dtype.
Tensor scaled_to(const Tensor& g, double c, const Norm& norm) {
  const double scale = c / std::max(norm.unit * norm.in_units, c);
  if (scale == 1) return g;
  if (!(scale < 1e-30)) return g * scale;
  const double first = norm.unit == 1 ? std::min(norm.in_units, 1e38) : norm.unit;
  return g / first * (c * (first / norm.unit / norm.in_units));
}

}  // namespace

Tensors OptimizerState::clipped(const Tensors& gradients) const {
  Tensors out = gradients;
  if (const double c = common.clipnorm; c > 0)
    for (Tensor& g : out) g = scaled_to(g, c, norm_of({&g, 1}));
  if (const double c = common.clipvalue; c > 0)
    for (Tensor& g : out) g = clip(g, -c, c);
  if (const double c = common.global_clipnorm; c > 0) {
    const Norm norm = norm_of(out);
    for (Tensor& g : out) g = scaled_to(g, c, norm);
  }
  return out;
}

}  // namespace tempo
