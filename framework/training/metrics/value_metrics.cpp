// SPDX-License-Identifier: Apache-2.0
// Means and sums of values, correlations, and metrics that are a user's objects.
#include <tempo/metrics.hpp>

#include "training/metrics/metric_state.hpp"

namespace tempo {

namespace {

struct ValueMean : MetricOf<ValueMean, MeanOptions, MeanMetric> {
  using MetricOf::MetricOf;
  static constexpr const char* names[] = {"mean"};
  static void describe(auto&, auto&) {}
  std::optional<bool> higher_is_better() const override { return {}; }
  Tensor values(const Tensor&, const Tensor& y_pred, const Weighting&) override { return y_pred; }
};

struct ValueSum : MetricOf<ValueSum, SumOptions, MetricState> {
  using MetricOf::MetricOf;
  static constexpr const char* names[] = {"sum"};
  static void describe(auto&, auto&) {}
  std::optional<bool> higher_is_better() const override { return {}; }
  void add(const Tensor&, const Tensor& y_pred, const Weighting& given) override {
    const Shape shape = y_pred.shape();
    Tensor counted = only(given.kept(shape), cast(y_pred, float64));
    if (const Tensor factors = given.factors(shape, float64)) counted = counted * factors;
    total += tempo::sum(counted).item();
  }
  double result() const override { return total; }
  void reset() override { total = 0; }
  double total = 0;
};

// M::of for each sample over an axis; 0 if y_true or y_pred is constant along the axis.
template <class M>
struct Correlation : MetricOf<M, CorrelationOptions, MeanMetric> {
  explicit Correlation(const CorrelationOptions& o)
      : MetricOf<M, CorrelationOptions, MeanMetric>(o) {
    if (this->name.empty()) this->name = M::names[0];
  }
  static void describe(auto& setting, auto& o) { setting("axis", o.axis); }
  std::optional<bool> higher_is_better() const override { return true; }
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) override {
    if (y_pred.rank() < 2 || y_true.shape() != y_pred.shape())
      shapes_differ(this->name, y_true, y_pred,
                    "A correlation compares the values of a sample, [batch, values].");
    const int axis = this->options.axis;
    const Tensor kept = weighting.kept_across(y_pred, axis);
    const Tensor t = only(kept, cast(y_true, float64)), p = only(kept, cast(y_pred, float64));
    require_numbers(this->name, t);
    const Tensor either_constant = logical_or(constant(t, axis), constant(p, axis));
    return where(either_constant, 0, M::of(t, p, axis));
  }

 private:
  // Compares elements, as their mean may differ from them by rounding. NaN is not constant.
  static Tensor constant(const Tensor& x, int axis) {
    const int at = axis < 0 ? axis + x.rank() : axis;
    return equal(sum(abs(x - slice(x, at, 0, 1)), axis), 0);
  }
};

// Deviations from the mean divided by the largest one, so that squares stay in range.
Tensor scaled(const Tensor& deviations, const Tensor& largest) {
  return deviations / where(equal(largest, 0), 1, largest);
}
Tensor largest_along(const Tensor& x, int axis) { return max(abs(x), axis, true); }

struct Pearson : Correlation<Pearson> {
  using Correlation::Correlation;
  static constexpr const char* names[] = {"pearson_correlation"};
  static Tensor of(const Tensor& t, const Tensor& p, int axis) {
    const auto apart = [&](const Tensor& x) {
      const Tensor deviations = x - mean(x, axis, true);
      return scaled(deviations, largest_along(deviations, axis));
    };
    const Tensor dt = apart(t), dp = apart(p);
    return mean(dt * dp, axis) / sqrt(mean(square(dt), axis) * mean(square(dp), axis));
  }
};

struct Concordance : Correlation<Concordance> {
  using Correlation::Correlation;
  static constexpr const char* names[] = {"concordance_correlation"};
  static Tensor of(const Tensor& t, const Tensor& p, int axis) {
    const Tensor t_mean = mean(t, axis, true), p_mean = mean(p, axis, true);
    const Tensor t_apart = t - t_mean, p_apart = p - p_mean, means_apart = t_mean - p_mean;
    const Tensor largest = maximum(
        maximum(largest_along(t_apart, axis), largest_along(p_apart, axis)), abs(means_apart));
    const Tensor dt = scaled(t_apart, largest), dp = scaled(p_apart, largest);
    const Tensor spread = mean(square(dt), axis) + mean(square(dp), axis) +
                          squeeze(square(scaled(means_apart, largest)), axis);
    return 2 * mean(dt * dp, axis) / spread;
  }
};

// A user's object: `first` has seen nothing, and a copy of it does the counting.
struct OwnState : MetricState {
  OwnState(std::shared_ptr<Metric::Own> made, const std::string& its_name, std::optional<bool> up)
      : first(std::move(made)), now(first->copy()), higher(up) {
    name = readable(its_name);
  }
  void add(const Tensor& y_true, const Tensor& y_pred, const Weighting& given) override {
    const std::optional<Shape> counted = given.shape();
    now->update(y_true, y_pred, counted ? given.factors(*counted, default_dtype()) : Tensor{});
  }
  double result() const override { return now->result(); }
  void reset() override { now = first->copy(); }
  std::shared_ptr<MetricState> copy() const override {
    auto made = std::make_shared<OwnState>(*this);
    made->now = now->copy();
    return made;
  }
  std::optional<bool> higher_is_better() const override { return higher; }

  std::shared_ptr<Metric::Own> first, now;
  std::optional<bool> higher;
};

}  // namespace

MetricRows value_metrics() {
  return {metric_row<ValueMean>(), metric_row<ValueSum>(), metric_row<Pearson>(),
          metric_row<Concordance>()};
}

Metric::Metric(std::shared_ptr<Own> metric, const std::string& name,
               std::optional<bool> higher_is_better)
    : state_(std::make_shared<OwnState>(std::move(metric), name, higher_is_better)) {}

Mean::Mean(const MeanOptions& options) : Metric(std::make_shared<ValueMean>(options)) {}
Sum::Sum(const SumOptions& options) : Metric(std::make_shared<ValueSum>(options)) {}
PearsonCorrelation::PearsonCorrelation(const CorrelationOptions& options)
    : Metric(std::make_shared<Pearson>(options)) {}
ConcordanceCorrelation::ConcordanceCorrelation(const CorrelationOptions& options)
    : Metric(std::make_shared<Concordance>(options)) {}

}  // namespace tempo
