// SPDX-License-Identifier: Apache-2.0
// Differences of values. Steps are proportional to the size of the moved element. Of several slopes
// those that agree best are used; their disagreement estimates the error.
#include "autograd/differences.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

#include <tempo/gradient.hpp>

namespace tempo {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
// Between two steps: not a whole number, so that a wave does not look the same at several steps.
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

// The error that rounding alone makes in a second difference, estimated from differences of this
// order, which vanish for polynomials of lower degree. Infinite if no value is finite.
double seen_rounding(std::vector<double> values, int order) {
  double squares = 1;  // the sum of the squared coefficients of a difference: (2n over n)
  for (int k = 1; k <= order; ++k) {
    for (std::size_t i = 0; i + 1 < values.size(); ++i) values[i] = values[i + 1] - values[i];
    values.pop_back();
    squares *= static_cast<double>(order + k) / k;
  }
  for (double& v : values) v = std::abs(v);
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  if (values.empty()) return infinity;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2] * std::sqrt(6 / squares);
}

// While one exists, weights may be moved; then they are restored.
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

// Points on a straight line through the weights; neighbours differ by a share of each element's
// size. Point 0 is the present weights.
class Line {
 public:
  Line(double share, const Tensors& weights, int64_t seed) : put_back_(weights), weights_(weights) {
    for (const Tensor& w : weights) {
      const std::vector<double> values = w.to_vector();
      const double size = greatest(values) > 0 ? root_mean_square(values) : 1;
      std::vector<double> sizes(values.size(), size);
      for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] != 0) sizes[i] = std::abs(values[i]);
      at_.push_back(tensor(values, w.shape(), float64));
      directions_.push_back(share * tensor(sizes, w.shape(), float64) *
                            random_normal(w.shape(), 0, 1, float64, ++seed));
    }
  }
  void go_to(double point) const {
    for (std::size_t i = 0; i < weights_.size(); ++i)
      assign(weights_[i], at_[i] + point * directions_[i]);
  }

 private:
  PutBack put_back_;
  const Tensors& weights_;
  Tensors at_, directions_;
};

// The rounding seen in nine values on a line. On smooth curves, higher differences leave less
// besides rounding; on kinks and jumps, lower differences do.
double rounding_on(const Line& line, std::initializer_list<int> orders, const Terms& terms) {
  std::vector<double> values;
  for (int k = -4; k <= 4; ++k) {
    line.go_to(k);
    values.push_back(value_of(terms));
  }
  double least = infinity;
  for (const int order : orders) least = std::min(least, seen_rounding(values, order));
  return std::isfinite(least) ? least : 0;
}

constexpr double closely = 1e-10;  // at this share smooth curves are straight
constexpr double apart = 1e-6;     // at this share rounding to float32 is visible

}  // namespace

Tensor total(const Tensors& terms) {
  Tensor sum_of_all;
  for (const Tensor& term : terms) sum_of_all = sum_of_all ? sum_of_all + sum(term) : sum(term);
  return sum_of_all;
}

double value_of(const Terms& terms) { return total(terms()).item(); }

Rounding rounding_of(const Terms& terms, const Tensors& weights, int64_t seed) {
  const double fine = rounding_on(Line(closely, weights, seed), {2}, terms),
               coarse = rounding_on(Line(apart, weights, seed), {2, 4, 6}, terms);
  double size = 0;
  for (const Tensor& term : terms()) size += sum(abs(term)).item();
  const double least = std::numeric_limits<double>::epsilon() * size;
  return {2 * std::max({fine, coarse, least}), coarse > 1e4 * std::max(fine, least)};
}

std::vector<Tensors> gradients_beside(const Terms& terms, const Tensors& weights, int64_t seed) {
  const Line line(closely, weights, seed);
  std::vector<Tensors> all;
  for (const double point : {-1, 1, 2}) {
    line.go_to(point);
    all.push_back(gradient(total(terms()), weights));
  }
  return all;
}

double typical_size(const Tensor& weight) {
  const double size = root_mean_square(weight.to_vector());
  return size > 0 ? size : 1;
}

struct Neighbourhood::Level {
  double step, slope, after, before;
  /// At a kink it stays the same at a smaller step.
  double jump() const { return after - before; }
  /// Whether no change was seen: the step may be too small for the rounding of f.
  bool flat() const { return after == 0 && before == 0; }
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
  const double up = (x + step) - x, down = x - (x - step);  // the actual distances
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
    const bool contradicts =
        !next.flat() && std::abs(found.value - best.value) > 4 * both;  // the finer one is right
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
  // At twice the distance, left and right differ twice as much on a curve, and as much at a kink.
  const double jump = (f1 - 2 * here_ + f_1) / share,
               at_twice = (f2 - 2 * here_ + f_2) / (2 * share);
  const bool bent = std::abs(at_twice) > 1e-3 * std::abs(found.value) + 16 * found.rounding;
  found.straight = std::isfinite(found.value) &&
                   (!bent || std::abs(at_twice - 2 * jump) < 0.3 * std::abs(at_twice));
  return found;
}

}  // namespace tempo
