// SPDX-License-Identifier: Apache-2.0
// Differences of values. Steps follow the size of what is moved; of several, the slopes that agree
// best are taken, and their disagreement is the estimate of the error.
#include "autograd/differences.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tempo {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
// Between steps: no whole number, so that a wave does not look alike from several of them.
const double ratio = std::sqrt(11.0);

double greatest(const std::vector<double>& values) {
  double most = 0;
  for (const double v : values)
    if (std::isfinite(v)) most = std::max(most, std::abs(v));
  return most;
}

double root_mean_square(const std::vector<double>& values) {
  const double most = greatest(values);
  if (most == 0) return 0;
  double squares = 0;
  for (const double v : values)
    if (std::isfinite(v)) squares += v / most * (v / most);
  return most * std::sqrt(squares / static_cast<double>(values.size()));
}

// While one lives, weights may be moved.
class PutBack {
 public:
  explicit PutBack(const Tensors& weights) : weights_(weights) {
    for (const Tensor& w : weights) values_.push_back(w.to_vector());
  }
  ~PutBack() {
    for (std::size_t i = 0; i < weights_.size(); ++i)
      assign(weights_[i], tensor(values_[i], weights_[i].shape(), float64));
  }
  PutBack(const PutBack&) = delete;
  PutBack& operator=(const PutBack&) = delete;

 private:
  const Tensors& weights_;
  std::vector<std::vector<double>> values_;
};

}  // namespace

Tensor total(const Tensors& terms) {
  Tensor sum_of_all;
  for (const Tensor& term : terms) sum_of_all = sum_of_all ? sum_of_all + sum(term) : sum(term);
  return sum_of_all;
}

double value_of(const Terms& terms) { return total(terms()).item(); }

double rounding_of(const Terms& terms, const Tensors& weights, int64_t seed) {
  constexpr double closeness = 1e-10;
  const PutBack at_the_end(weights);
  Tensors at, directions;
  for (const Tensor& w : weights) {
    const std::vector<double> values = w.to_vector();
    const double size = greatest(values) > 0 ? root_mean_square(values) : 1;
    at.push_back(tensor(values, w.shape(), float64));
    directions.push_back(closeness * size * random_normal(w.shape(), 0, 1, float64, ++seed));
  }
  std::vector<double> values;
  for (int k = -3; k <= 3; ++k) {
    for (std::size_t i = 0; i < weights.size(); ++i)
      assign(weights[i], at[i] + static_cast<double>(k) * directions[i]);
    values.push_back(value_of(terms));
  }
  std::vector<double> bends;  // of a straight line, 0
  for (std::size_t k = 1; k + 1 < values.size(); ++k)
    if (const double b = std::abs(values[k - 1] - 2 * values[k] + values[k + 1]); std::isfinite(b))
      bends.push_back(b);
  std::sort(bends.begin(), bends.end());
  double size = 0;
  for (const Tensor& term : terms()) size += sum(abs(term)).item();
  const double seen = bends.empty() ? 0 : bends[bends.size() / 2];
  return std::max(2 * seen, 2 * std::numeric_limits<double>::epsilon() * size);
}

struct Neighbourhood::Level {
  double step, slope, after, before;
  /// At a kink, left and right differ as much at a smaller step.
  double jump() const { return after - before; }
};

Neighbourhood::Neighbourhood(const Terms& f, const Tensor& weight, double here, double rounding)
    : f_(f),
      weight_(weight),
      values_(weight.to_vector()),
      least_size_(0.1 * root_mean_square(values_)),
      here_(here),
      rounding_(rounding) {
  if (least_size_ == 0) least_size_ = 1;
}

double Neighbourhood::size(std::size_t i) const {
  return std::isfinite(values_[i]) ? std::max(std::abs(values_[i]), least_size_) : least_size_;
}

void Neighbourhood::put_back() const { assign(weight_, tensor(values_, weight_.shape(), float64)); }

double Neighbourhood::moved(std::span<const Part> parts, double t) const {
  std::vector<double> changed = values_;
  for (const Part& part : parts) changed[part.element] += t * part.by;
  assign(weight_, tensor(changed, weight_.shape(), float64));
  return value_of(f_);
}

Neighbourhood::Level Neighbourhood::level(std::size_t i, double step) const {
  const double x = values_[i];
  const Part part[] = {{i, 1}};
  const double above = moved(part, step), below = moved(part, -step);
  const double up = (x + step) - x, down = x - (x - step);  // as far as it was moved
  return {step, (above - below) / (up + down), (above - here_) / up, (here_ - below) / down};
}

Slope Neighbourhood::extrapolated(const std::vector<Level>& levels) const {
  const Level &fine = levels.back(), &coarse = levels[levels.size() - 2];
  const auto richardson = [](const Level& large, const Level& small) {
    return (ratio * ratio * small.slope - large.slope) / (ratio * ratio - 1);
  };
  Slope found{.value = richardson(coarse, fine),
              .rounding = 1.5 * rounding_ / fine.step,
              .step = fine.step,
              .left = fine.before,
              .right = fine.after};
  found.bends = std::abs(found.value - fine.slope);
  if (levels.size() > 2)
    found.bends = std::max(found.bends / 64,
                           std::abs(found.value - richardson(levels[levels.size() - 3], coarse)));
  const double jump = std::abs(fine.jump());
  found.kink = jump > 0.5 * std::abs(coarse.jump()) &&
               jump > 16 * rounding_ / fine.step + 1e-6 * std::abs(found.value);
  return found;
}

Slope Neighbourhood::slope(std::size_t i, double share) const {
  constexpr int most_levels = 22;
  std::vector<Level> levels;
  Slope best;
  best.value = best.left = best.right = std::numeric_limits<double>::quiet_NaN();
  best.bends = infinity;
  double step = share * size(i);
  for (int k = 0; k < most_levels && values_[i] + step != values_[i]; ++k, step /= ratio) {
    const Level next = level(i, step);
    if (!std::isfinite(next.slope)) {
      levels.clear();
      continue;
    }
    levels.push_back(next);
    if (levels.size() < 2) continue;
    const Slope found = extrapolated(levels);
    const double both = found.uncertainty() + best.uncertainty();
    const bool contradicts = std::abs(found.value - best.value) > 4 * both;  // the finer is right
    if (contradicts || !(found.uncertainty() >= best.uncertainty())) best = found;
    if (levels.size() < 3) continue;
    if (!best.kink && best.uncertainty() <= 1e-8 * std::abs(best.value)) break;
    if (found.rounding > found.bends && found.rounding > 4 * best.rounding) break;
  }
  put_back();
  return best;
}

JointSlope Neighbourhood::slope(std::span<const Part> parts, double share) const {
  const double f1 = moved(parts, share), f_1 = moved(parts, -share), f2 = moved(parts, 2 * share),
               f_2 = moved(parts, -2 * share);
  put_back();
  JointSlope found;
  found.value = (8 * (f1 - f_1) - (f2 - f_2)) / (12 * share);
  found.rounding = 1.5 * rounding_ / share;
  found.unchanged = f1 == here_ && f_1 == here_ && f2 == here_ && f_2 == here_;
  // Twice as far, left and right differ twice as much; at a kink, as much.
  const double jump = (f1 - 2 * here_ + f_1) / share,
               at_twice = (f2 - 2 * here_ + f_2) / (2 * share);
  const bool bent = std::abs(at_twice) > 1e-3 * std::abs(found.value) + 16 * found.rounding;
  found.straight = std::isfinite(found.value) &&
                   (!bent || std::abs(at_twice - 2 * jump) < 0.3 * std::abs(at_twice));
  return found;
}

}  // namespace tempo
