// SPDX-License-Identifier: Apache-2.0
// Losses that are not computed for each sample alone: overlaps of areas, and pairs within a batch.
#include <algorithm>

#include <tempo/ops.hpp>

#include "training/losses/loss_formula.hpp"

namespace tempo {

namespace {

// Sums of the elements that count, over the given axes, or over all.
class Areas {
 public:
  Areas(const std::string& who, const Pair& pair, const std::vector<int>& axis,
        const Weighting& weighting)
      : shape_(pair.y_pred.shape()) {
    for (const int a : axis) {
      const int at = a < 0 ? a + shape_.rank() : a;
      if (at < 0 || at >= shape_.rank() || std::find(axes_.begin(), axes_.end(), at) != axes_.end())
        throw ShapeError(who + ": axis holds " + std::to_string(a) + ", and y_pred is " +
                         to_string(shape_, pair.y_pred.dtype()) +
                         ".\n  Its axes count from 0, or from -1 at the end; each comes once.");
      axes_.push_back(at);
    }
    const Tensor kept = weighting.kept_of(shape_, shape_.rank());
    t = only(kept, pair.y_true);
    p = only(kept, pair.y_pred);
  }
  Tensor sum(const Tensor& x) const { return axes_.empty() ? tempo::sum(x) : tempo::sum(x, axes_); }

  Tensor t, p;  // 0 where an element does not count

 private:
  Shape shape_;
  Axes axes_;
};

constexpr double least_area = 1e-7;

struct DiceFormula : LossFormula<DiceFormula, DiceOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"dice"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const Areas of(name, same_shape(y_true, y_pred), options.axis, weighting);
    require_probabilities(name, of.t);
    return 1 - 2 * of.sum(of.t * of.p) / (of.sum(of.t) + of.sum(of.p) + least_area);
  }
};

struct TverskyFormula : LossFormula<TverskyFormula, TverskyOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"tversky"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const Areas of(name, same_shape(y_true, y_pred), options.axis, weighting);
    require_probabilities(name, of.t);
    const Tensor both = of.sum(of.t * of.p);
    const Tensor too_much = of.sum((1 - of.t) * of.p), missed = of.sum(of.t * (1 - of.p));
    return 1 - both / (both + options.alpha * too_much + options.beta * missed + least_area);
  }
};

// log(1 + e^(a + b)) for the log-sums a over partners of the same class and b over those of others.
// Near partners of the same class and far ones of another class weigh little.
struct CircleFormula : LossFormula<CircleFormula, CircleOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"circle"};
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const Tensor labels = without_ones(y_true, 1);
    if (y_pred.rank() != 2 || labels.rank() != 1 ||
        labels.shape().front() != y_pred.shape().front())
      shapes_differ(name, y_true, y_pred,
                    "It takes a class number, [batch], for each vector of [batch, features].");
    weighting.require_whole_along(y_pred, -1);
    const Tensor kept = weighting.kept(labels.shape());
    const Tensor x = only(kept ? expand_dims(kept, -1) : kept, y_pred);
    const Tensor t = cast(only(kept, labels), float64);
    require_numbers(name, t);
    const int64_t n = labels.count();
    const Tensor same = equal(expand_dims(t, 1), expand_dims(t, 0));  // [batch, batch]
    Tensor here = equal(zeros({n, n}), 0);
    if (kept) here = logical_and(here, expand_dims(kept, 0));
    Tensor friends = logical_and(same, here);
    if (options.remove_diagonal) {
      const Tensor place = arange(0, static_cast<double>(n), 1, float64);
      friends = logical_and(friends, not_equal(expand_dims(place, 1), expand_dims(place, 0)));
    }
    const Tensor others = logical_and(logical_not(same), here);

    const double m = options.margin;
    const Tensor d = maximum(1 - matmul(x, transpose(x)), 0);
    const Tensor near = log_sum(-options.gamma * (m + d) * (m - d), friends);
    const Tensor far = log_sum(options.gamma * maximum(1 + m - d, 0) * (1 - m - d), others);
    const Tensor has_both =
        logical_and(any(friends), any(others));  // a sample without partners does not count
    const Tensor losses = softplus(only(has_both, near + far));
    return with_mask(only(has_both, losses), has_both);
  }

 private:
  static Tensor any(const Tensor& which) { return sum(cast(which, int32), 1) > 0; }
  // log(sum(e^x)) over each row, of the elements that `which` selects.
  static Tensor log_sum(const Tensor& x, const Tensor& which) {
    const Tensor in = where(which, x, -1e30);
    return where(any(which), logsumexp(in, 1), 0);
  }
};

}  // namespace

LossRows overlap_losses() {
  return {loss_row<DiceFormula>(), loss_row<TverskyFormula>(), loss_row<CircleFormula>()};
}

Dice::Dice(const DiceOptions& options) : Loss(std::make_shared<DiceFormula>(options)) {}
Tversky::Tversky(const TverskyOptions& options) : Loss(std::make_shared<TverskyFormula>(options)) {}
Circle::Circle(const CircleOptions& options) : Loss(std::make_shared<CircleFormula>(options)) {}

}  // namespace tempo
