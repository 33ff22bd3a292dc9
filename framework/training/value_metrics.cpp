// SPDX-License-Identifier: Apache-2.0
// Means and sums of values, correlations, and metrics that are a user's objects.
#include <tempo/metrics.hpp>

#include "training/metric_state.hpp"

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

// Of one sample at a time, over an axis; M::of gives it from means, variances and covariance.
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
    const Tensor kept = kept_along(axis, y_pred.shape(), weighting);
    const Tensor t = only(kept, cast(y_true, float64)), p = only(kept, cast(y_pred, float64));
    require_numbers(this->name, t);
    const Tensor t_mean = mean(t, axis, true), p_mean = mean(p, axis, true);
    const auto at = [&](const Tensor& x) { return mean(x, axis); };
    return M::of({.t_mean = at(t),
                  .p_mean = at(p),
                  .t_variance = at(square(t - t_mean)),
                  .p_variance = at(square(p - p_mean)),
                  .covariance = at((t - t_mean) * (p - p_mean))});
  }
  struct Moments {
    Tensor t_mean, p_mean, t_variance, p_variance, covariance;
  };

 private:
  // Which samples count, with an axis of 1 where their values lie.
  static Tensor kept_along(int axis, const Shape& shape, const Weighting& weighting) {
    const int at = axis < 0 ? axis + shape.rank() : axis;
    Shape samples;
    for (int i = 0; i < shape.rank(); ++i)
      if (i != at) samples.push_back(shape[i]);
    const Tensor kept = weighting.kept(samples);
    return kept ? expand_dims(kept, at) : kept;
  }
};

constexpr double tiny = 1e-7;

struct Pearson : Correlation<Pearson> {
  using Correlation::Correlation;
  static constexpr const char* names[] = {"pearson_correlation"};
  static Tensor of(const Moments& m) {
    return m.covariance / (sqrt(m.t_variance * m.p_variance) + tiny);
  }
};

struct Concordance : Correlation<Concordance> {
  using Correlation::Correlation;
  static constexpr const char* names[] = {"concordance_correlation"};
  static Tensor of(const Moments& m) {
    return 2 * m.covariance / (m.t_variance + m.p_variance + square(m.t_mean - m.p_mean) + tiny);
  }
};

// A user's object: the first has seen nothing, and a copy of it counts.
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
