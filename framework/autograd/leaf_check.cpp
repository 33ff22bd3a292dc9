// SPDX-License-Identifier: Apache-2.0
// Elements whose gradients are of similar size are moved together; if that does not fit, each is
// moved alone, with as many steps as needed.
#include "autograd/leaf_check.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <numeric>
#include <sstream>

namespace tempo {

namespace {

constexpr std::size_t together = 16;     // elements
constexpr double alike = 0.1;            // the smallest effect relative to the largest among them
constexpr double joint_share = 0.05;     // of the largest step, for them
constexpr double sure = 3;               // the uncertainties by which a difference may be off
constexpr double hidden = 1e-3;          // the share of the gradient that rounding may hide,
constexpr double float32_hides = 1e-2;   // that share for float32, which is coarser,
constexpr double joint_hidden = 1e-6;    // and that share if a group alone decides
constexpr double least_of_scale = 1e-9;  // an element below this share of its tensor counts less

class LeafCheck {
 public:
  LeafCheck(const CheckedOrder& order, const Leaf& leaf, const Tensor& gradient,
            const GradCheckOptions& options)
      : options_(options),
        leaf_(leaf),
        gradients_(gradient.to_vector()),
        near_(order.terms, leaf.weight, order.here, order.rounding.of_value),
        hidden_(order.rounding.in_float32 ? float32_hides : hidden),
        errors_(gradients_.size(), 0) {
    row_.order = order.number;
    row_.input = leaf.name;
    row_.shape = leaf.weight.shape();
    row_.reached = gradients_.empty();
    for (const double g : gradients_)
      if (std::isfinite(g)) scale_ = std::max(scale_, std::abs(g));
  }

  GradCheck::Row run() {
    std::vector<std::size_t> all(gradients_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const auto infinite = std::partition(
        all.begin(), all.end(), [&](std::size_t i) { return std::isfinite(gradients_[i]); });
    std::sort(all.begin(), infinite,
              [&](std::size_t a, std::size_t b) { return effect(a) > effect(b); });
    const std::span<const std::size_t> finite(all.begin(), infinite);
    for (std::size_t from = 0, to = 0; from < finite.size(); from = to) {
      while (to < finite.size() && to - from < together &&
             effect(finite[to]) >= alike * effect(finite[from]))
        ++to;
      check(finite.subspan(from, to - from));
    }
    for (auto i = infinite; i != all.end(); ++i) not_finite(*i);
    if (row_.error > options_.tolerance) describe_fault();
    if (row_.error > options_.tolerance) return row_;
    for (GradCheck::Row* const other : {&unclear_, &unjudged_})
      if (other->error > 0) {
        other->reached = true;
        return *other;
      }
    return row_;
  }

 private:
  // The change of f if an element is moved by its own size.
  double effect(std::size_t i) const { return std::abs(gradients_[i]) * near_.size(i); }

  void check(std::span<const std::size_t> group) {
    if (group.size() > 1 && fits_together(group)) return;
    for (const std::size_t i : group) check_alone(i);
  }

  // The largest gradient determines the accuracy that is needed; the moves differ in sign and size,
  // so that errors cannot cancel.
  bool fits_together(std::span<const std::size_t> group) {
    std::vector<Neighbourhood::Part> parts;
    double expected = 0, most = 0, widest = 0;
    for (const std::size_t i : group) {
      const double fraction = std::fmod(0.6180339887498949 * static_cast<double>(i + 1), 1);
      const double by =
          (i * 2654435761u >> 7) % 2 == 0 ? 0.5 + fraction : -0.5 - fraction;  // pseudo-random
      parts.push_back({i, by * near_.size(i)});
      expected += gradients_[i] * parts.back().by;
      most = std::max(most, std::abs(gradients_[i] * parts.back().by));
      widest = std::max(widest, std::abs(parts.back().by));
    }
    const JointSlope found = near_.slope(parts, joint_share * options_.step);
    if (most == 0 && found.unchanged) return true;
    const double off = std::abs(expected - found.value);
    const bool exact =
        sure * found.rounding <= joint_hidden * most + least_of_scale * scale_ * widest;
    if (!found.straight || !exact ||
        !(off <= 0.2 * options_.tolerance * most + sure * found.rounding))
      return false;
    row_.reached = true;
    if (most > 0)
      row_.error = std::max(row_.error, std::max(0.0, off - sure * found.rounding) / most);
    return true;
  }

  void check_alone(std::size_t i) {
    const Slope slope = near_.slope(i, options_.step);
    const double g = gradients_[i], size = std::max(std::abs(g), std::abs(slope.value));
    if (size > 0 || slope.kink) row_.reached = true;
    if (std::isfinite(slope.value)) scale_ = std::max(scale_, std::abs(slope.value));
    const double slack = sure * slope.uncertainty() + 1e-12 * scale_;
    double error = size == 0 ? 0 : std::max(0.0, std::abs(g - slope.value) - slack) / size;
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
    const double bends = sure * slope.bends;
    const bool ends = !std::isfinite(slope.value);
    const bool unclear = slope.kink || ends ||
                         (bends > 1e-3 * size && bends > least_of_scale * scale_ &&
                          slope.bends > 10 * slope.rounding);
    errors_[i] = error;
    if (error > options_.tolerance && !unclear) wrong_.push_back({g, slope.value});
    note(unclear ? unclear_ : row_, i, slope, unclear ? std::max(error, 1.0) : error);
    unclear_.smooth = false;
    // Order 2 has no constant in it: gradients that rounding hides are small beside the others.
    if (row_.order == 1 && size > 0 && !unclear && sure * slope.rounding > hidden_ * scale_)
      note_unjudged(i, slope);
  }

  void note_unjudged(std::size_t i, const Slope& slope) {
    if (!unjudged_.judged) return;
    note(unjudged_, i, slope, 1);
    unjudged_.judged = false;
    std::ostringstream text;
    text << std::setprecision(2)
         << "it cannot be judged: rounding of the values puts a difference off by up to "
         << sure * slope.rounding << ", and the gradient is " << scale_
         << " at most\n  Compute all of it in float64, bring the results to one scale, or "
            "subtract what is constant.";
    unjudged_.fault = text.str();
  }

  void not_finite(std::size_t i) {
    const Slope slope = near_.slope(i, options_.step);
    errors_[i] = std::numeric_limits<double>::infinity();
    row_.reached = true;
    note(row_, i, slope, errors_[i]);
    row_.smooth = std::isfinite(slope.value);
    row_.fault = "the gradient is not finite";
  }

  void note(GradCheck::Row& row, std::size_t i, const Slope& slope, double error) const {
    if (error < row.error || (error == row.error && row.step > 0)) return;
    row.order = row_.order;
    row.input = row_.input;
    row.shape = row_.shape;
    row.error = error;
    row.element = static_cast<int64_t>(i);
    row.gradient = gradients_[i];
    row.difference = slope.value;
    row.uncertainty = slope.uncertainty();
    row.left = slope.left;
    row.right = slope.right;
    row.step = slope.step;
  }

  void describe_fault() {
    if (scale_ > 0 &&
        std::all_of(gradients_.begin(), gradients_.end(), [](double g) { return g == 0; }))
      row_.fault = "no gradient reaches it, though the values change with it";
    double least = std::numeric_limits<double>::infinity(), most = -least;
    for (const auto& [g, d] : wrong_) {
      if (d == 0) return describe_steps();
      least = std::min(least, g / d);
      most = std::max(most, g / d);
    }
    if (wrong_.size() > 1 && most - least <= 1e-4 * std::max(std::abs(most), std::abs(least)))
      row_.factor = (most + least) / 2;
    describe_steps();
  }

  void describe_steps() {
    if (!leaf_.in_time || row_.shape.rank() < 2) return;
    const auto time = static_cast<std::size_t>(row_.shape[1]);
    const std::size_t inner = gradients_.size() / (static_cast<std::size_t>(row_.shape[0]) * time);
    row_.steps.assign(time, 0);
    for (std::size_t i = 0; i < errors_.size(); ++i) {
      double& of_step = row_.steps[i / inner % time];
      of_step = std::max(of_step, errors_[i]);
    }
  }

  const GradCheckOptions& options_;
  const Leaf& leaf_;
  std::vector<double> gradients_;
  Neighbourhood near_;
  double hidden_;
  std::vector<double> errors_;
  double scale_ = 0;
  GradCheck::Row row_, unclear_, unjudged_;
  std::vector<std::pair<double, double>> wrong_;  // gradient, difference
};

}  // namespace

GradCheck::Row check_leaf(const CheckedOrder& order, const Leaf& leaf, const Tensor& gradient,
                          const GradCheckOptions& options) {
  return LeafCheck(order, leaf, gradient, options).run();
}

}  // namespace tempo
