// SPDX-License-Identifier: Apache-2.0
// F scores and R2, which keep sums for each class or each output.
#include <algorithm>
#include <cmath>
#include <limits>

#include <tempo/metrics.hpp>

#include "training/metrics/confusion.hpp"

namespace tempo {

namespace {

// y_true and y_pred as [rows, outputs] numbers, and a weight for each row; 0: it does not count.
struct Rows {
  Rows(const std::string& who, const Tensor& y_true, const Tensor& y_pred, const Weighting& given) {
    auto [t, p] = aligned(y_true, y_pred);
    const Shape shape = p.shape();
    if (shape.empty() || t.shape() != shape) shapes_differ(who, y_true, y_pred, one_for_each);
    outputs = static_cast<std::size_t>(shape.back());
    const Shape rows = shape.rank() == 1 ? shape : Shape(shape.begin(), shape.end() - 1);
    if (shape.rank() == 1) outputs = 1;
    const Tensor kept = shape.rank() > 1 ? given.kept_across(p, -1) : given.kept(rows);
    truth = cast(only(kept, t), float64);
    said = cast(only(kept, p, neutral_prediction), float64).to_vector();
    const Tensor factors = given.factors(rows, float64);
    const auto count = outputs == 0 ? 0 : said.size() / outputs;
    weight = factors ? broadcast_to(factors, rows).to_vector() : std::vector<double>(count, 1);
  }
  std::size_t outputs;
  Tensor truth;
  std::vector<double> said, weight;
};

constexpr double tiny = 1e-7;

template <class M, class O>
struct ScoreMetric : MetricOf<M, O, MetricState> {
  explicit ScoreMetric(const O& o) : MetricOf<M, O, MetricState>(o) {
    if (o.average != "macro" && o.average != "micro" && o.average != "weighted")
      unknown_name(std::string(M::names[0]), "average", o.average, {"macro", "micro", "weighted"});
  }
  static void describe(auto& setting, auto& o) {
    setting("average", o.average);
    if constexpr (requires { o.beta; }) setting("beta", o.beta, Range{.at_least = 1e-6});
    setting("threshold", o.threshold, Range{.at_least = 0, .at_most = 1, .optional = true});
  }
  std::optional<bool> higher_is_better() const override { return true; }
  void reset() override { sums_.clear(), nan_ = false; }

  void add(const Tensor& y_true, const Tensor& y_pred, const Weighting& given) override {
    const Rows rows(this->name, y_true, y_pred, given);
    if (std::isnan(this->options.threshold))
      require_classes(
          this->name, y_pred, -1,
          "Of one unit with a sigmoid .threshold = 0.5 makes yes or no; or the last layer "
          "has a unit for each class");
    require_zeros_and_ones(this->name, rows.truth);
    const std::vector<double> label = rows.truth.to_vector();
    if (sums_.empty()) sums_.resize(rows.outputs);
    if (sums_.size() != rows.outputs)
      throw ShapeError(this->name + ": y_pred has " + std::to_string(rows.outputs) +
                       " classes, and had " + std::to_string(sums_.size()) + " before.");
    const double threshold = thresholds_in(y_pred.dtype(), {this->options.threshold})[0];
    for (std::size_t r = 0; r < rows.weight.size(); ++r) {
      if (rows.weight[r] == 0) continue;
      const double* const p = &rows.said[r * rows.outputs];
      const double largest = *std::max_element(p, p + rows.outputs);
      for (std::size_t c = 0; c < rows.outputs; ++c) {
        nan_ = nan_ || std::isnan(p[c]);
        const bool yes =
            std::isnan(threshold) ? p[c] >= largest && std::abs(p[c]) > 1e-9 : p[c] > threshold;
        const bool is = label[r * rows.outputs + c] != 0;
        (yes ? (is ? sums_[c].tp : sums_[c].fp) : (is ? sums_[c].fn : sums_[c].tn)) +=
            rows.weight[r];
      }
    }
  }

  double result() const override {
    if (nan_) return std::numeric_limits<double>::quiet_NaN();
    Sums all;
    double total = 0, weights = 0;
    for (const Sums& s : sums_) {
      const double weight = this->options.average == "weighted" ? s.tp + s.fn : 1;
      total += weight * score(s);
      weights += weight;
      all = {all.tp + s.tp, all.fp + s.fp, all.fn + s.fn, 0};
    }
    if (this->options.average == "micro") return score(all);
    return weights == 0 ? 0 : total / weights;
  }

 private:
  struct Sums {
    double tp = 0, fp = 0, fn = 0, tn = 0;
  };
  // As in Keras, 1e-7 in the divisors prevents a division by 0.
  double score(const Sums& s) const {
    double beta = 1;
    if constexpr (requires { this->options.beta; }) beta = this->options.beta;
    const double precision = s.tp / (s.tp + s.fp + tiny), recall = s.tp / (s.tp + s.fn + tiny);
    return (1 + beta * beta) * precision * recall / (beta * beta * precision + recall + tiny);
  }
  std::vector<Sums> sums_;
  bool nan_ = false;
};

struct F1Metric : ScoreMetric<F1Metric, F1ScoreOptions> {
  using ScoreMetric::ScoreMetric;
  static constexpr const char* names[] = {"f1_score"};
};

struct FBetaMetric : ScoreMetric<FBetaMetric, FBetaScoreOptions> {
  using ScoreMetric::ScoreMetric;
  static constexpr const char* names[] = {"fbeta_score", "f_beta_score"};
};

struct R2Metric : MetricOf<R2Metric, R2ScoreOptions, MetricState> {
  explicit R2Metric(const R2ScoreOptions& o)
      : MetricOf(o), by_spread_(o.class_aggregation == weighted) {
    if (!by_spread_ && o.class_aggregation != uniform)
      unknown_name("r2_score", "class_aggregation", o.class_aggregation, {uniform, weighted});
  }
  static constexpr const char* names[] = {"r2_score"};
  template <class Setting>
  static void describe(Setting& setting, auto& o) {
    constexpr bool writing = std::is_same_v<Setting, SettingsWriter>;
    if (!writing || o.class_aggregation != uniform)
      setting("class_aggregation", o.class_aggregation);
    if (!writing || o.num_regressors != 0)
      setting("num_regressors", o.num_regressors, Range{.at_least = 0});
  }
  std::optional<bool> higher_is_better() const override { return true; }
  void reset() override { sums_.clear(), samples_ = 0; }

  void add(const Tensor& y_true, const Tensor& y_pred, const Weighting& given) override {
    const Rows rows(name, y_true, y_pred, given);
    require_numbers(name, rows.truth);
    const std::vector<double> truth = rows.truth.to_vector();
    if (sums_.empty()) sums_.resize(rows.outputs);
    if (sums_.size() != rows.outputs)
      throw ShapeError(name + ": y_pred has " + std::to_string(rows.outputs) +
                       " outputs, and had " + std::to_string(sums_.size()) + " before.");
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const double w = rows.weight[i / rows.outputs], t = truth[i], error = t - rows.said[i];
      if (w == 0) continue;
      Sums& s = sums_[i % rows.outputs];
      s.weight += w;
      const double before = t - s.mean;
      s.mean += w / s.weight * before;
      s.spread += w * before * (t - s.mean);
      s.errors += w * error * error;
    }
    samples_ += static_cast<double>(rows.weight.size()) -
                static_cast<double>(std::count(rows.weight.begin(), rows.weight.end(), 0.0));
  }

  double result() const override {
    double total = 0, weights = 0;
    for (const Sums& s : sums_) {
      if (std::isnan(s.errors)) return s.errors;  // even of outputs without spread
      const double weight = by_spread_ ? s.spread : 1;
      total += s.spread == 0 ? 0 : weight * (1 - s.errors / s.spread);
      weights += weight;
    }
    const double score = ratio(total, weights), left = samples_ - options.num_regressors - 1;
    return options.num_regressors == 0 || left <= 0 ? score
                                                    : 1 - (1 - score) * (samples_ - 1) / left;
  }

 private:
  static constexpr const char *uniform = "uniform_average", *weighted = "variance_weighted_average";
  // The running mean and the sum of squared distances from it (Welford, 1962): sums of squared
  // values would cancel if the values lie far from 0.
  struct Sums {
    double weight = 0, mean = 0, spread = 0, errors = 0;
  };
  std::vector<Sums> sums_;
  double samples_ = 0;
  bool by_spread_;
};

}  // namespace

MetricRows score_metrics() {
  return {metric_row<F1Metric>(), metric_row<FBetaMetric>(), metric_row<R2Metric>()};
}

F1Score::F1Score(const F1ScoreOptions& options) : Metric(std::make_shared<F1Metric>(options)) {}
FBetaScore::FBetaScore(const FBetaScoreOptions& options)
    : Metric(std::make_shared<FBetaMetric>(options)) {}
R2Score::R2Score(const R2ScoreOptions& options) : Metric(std::make_shared<R2Metric>(options)) {}

}  // namespace tempo
