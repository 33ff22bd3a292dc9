// SPDX-License-Identifier: Apache-2.0
// Counts of right and wrong decisions, and the rates that follow from them.
#include <algorithm>
#include <functional>

#include "training/metrics/confusion.hpp"

namespace tempo {

namespace {

// A metric of decisions at one or several thresholds; M::of is its value at one threshold.
template <class M, class O>
struct DecisionMetric : MetricOf<M, O, ConfusionMetric> {
  explicit DecisionMetric(const O& o) : MetricOf<M, O, ConfusionMetric>(o) {
    for (const double threshold : o.thresholds)
      if (!(threshold >= 0 && threshold <= 1))
        throw Error(std::string(M::names[0]) + ": a threshold is " + sdk::shortest(threshold) +
                    "; it must lie in [0, 1].");
    if (std::adjacent_find(o.thresholds.begin(), o.thresholds.end(), std::greater_equal<>()) !=
        o.thresholds.end())
      throw Error(std::string(M::names[0]) +
                  ": thresholds do not rise; each must be above the one before it.");
  }
  template <class Setting>
  static void describe(Setting& setting, auto& o) {
    constexpr bool writing = std::is_same_v<Setting, SettingsWriter>;
    if (!writing || !o.thresholds.empty())
      setting("thresholds", static_cast<std::vector<double>&>(o.thresholds));
  }
  std::vector<double> results() const override { return this->result_of_each(); }
  std::vector<std::shared_ptr<MetricState>> parts() const override {
    std::vector<std::shared_ptr<MetricState>> all;
    if (this->options.thresholds.size() < 2) return all;
    for (const double threshold : this->options.thresholds) {
      O one = this->options;
      one.thresholds = {threshold};
      one.name = this->name + "_" + sdk::shortest(threshold);
      all.push_back(std::make_shared<M>(one));
    }
    return all;
  }
  double value(const std::vector<Counts>& counts) const override {
    if (counts.size() == 1) return M::of(counts[0]);
    throw Error(this->name + ": it has " + std::to_string(counts.size()) +
                " thresholds, and a number for each.\n  results() gives all of them.");
  }
};

// A rate of the largest predictions, or of one class.
template <class M, class O>
struct RateMetric : DecisionMetric<M, O> {
  explicit RateMetric(const O& o) : DecisionMetric<M, O>(o) {
    std::vector<double> thresholds = o.thresholds;
    if (thresholds.empty()) thresholds = {o.top_k > 0 ? -HUGE_VAL : 0.5};
    this->decide({.thresholds = thresholds, .top_k = o.top_k, .class_id = o.class_id});
  }
  static void describe(auto& setting, auto& o) {
    DecisionMetric<M, O>::describe(setting, o);
    setting("top_k", o.top_k, Range{.at_least = 0});
    setting("class_id", o.class_id);
  }
  std::optional<bool> higher_is_better() const override { return true; }
};

struct PrecisionMetric : RateMetric<PrecisionMetric, PrecisionOptions> {
  using RateMetric::RateMetric;
  static constexpr const char* names[] = {"precision"};
  static double of(const Counts& n) { return precision_of(n); }
};

struct RecallMetric : RateMetric<RecallMetric, RecallOptions> {
  using RateMetric::RateMetric;
  static constexpr const char* names[] = {"recall"};
  static double of(const Counts& n) { return recall_of(n); }
};

// M::of is the count; `good` says whether larger is better.
template <class M, bool good>
struct CountMetric : DecisionMetric<M, CountOptions> {
  explicit CountMetric(const CountOptions& o) : DecisionMetric<M, CountOptions>(o) {
    std::vector<double> thresholds = o.thresholds;
    if (thresholds.empty()) thresholds = {0.5};
    this->decide({.thresholds = thresholds});
  }
  std::optional<bool> higher_is_better() const override { return good; }
};

struct TruePositivesMetric : CountMetric<TruePositivesMetric, true> {
  using CountMetric::CountMetric;
  static constexpr const char* names[] = {"true_positives"};
  static double of(const Counts& n) { return n.tp; }
};
struct TrueNegativesMetric : CountMetric<TrueNegativesMetric, true> {
  using CountMetric::CountMetric;
  static constexpr const char* names[] = {"true_negatives"};
  static double of(const Counts& n) { return n.tn; }
};
struct FalsePositivesMetric : CountMetric<FalsePositivesMetric, false> {
  using CountMetric::CountMetric;
  static constexpr const char* names[] = {"false_positives"};
  static double of(const Counts& n) { return n.fp; }
};
struct FalseNegativesMetric : CountMetric<FalseNegativesMetric, false> {
  using CountMetric::CountMetric;
  static constexpr const char* names[] = {"false_negatives"};
  static double of(const Counts& n) { return n.fn; }
};

struct AUCMetric : MetricOf<AUCMetric, AUCOptions, ConfusionMetric> {
  explicit AUCMetric(const AUCOptions& o) : MetricOf(o) {
    if (o.curve != "ROC" && o.curve != "PR") unknown_name("auc", "curve", o.curve, {"ROC", "PR"});
    if (o.summation_method != "interpolation" && o.summation_method != "minoring" &&
        o.summation_method != "majoring")
      unknown_name("auc", "summation_method", o.summation_method,
                   {"interpolation", "minoring", "majoring"});
    if (!o.label_weights.empty() && !o.multi_label)
      throw Error("auc: label_weights are those of multi_label = true, which is not set.");
    if (o.num_labels < 0 || (o.num_labels > 0 && !o.multi_label))
      throw Error("auc: num_labels is " + std::to_string(o.num_labels) +
                  "; it is a number of labels, those of multi_label = true.");
    for (const double weight : o.label_weights)
      if (!(weight >= 0) || std::isinf(weight))
        throw Error("auc: a label weight is " + sdk::shortest(weight) +
                    "; it must be a number of at least 0.");
    decide({.thresholds = thresholds_of(o),
            .from_logits = o.from_logits,
            .probabilities = true,
            .multi_label = o.multi_label,
            .num_labels = o.num_labels,
            .label_weights = o.label_weights});
  }
  static constexpr const char* names[] = {"auc"};
  template <class Setting>
  static void describe(Setting& setting, auto& o) {
    constexpr bool writing = std::is_same_v<Setting, SettingsWriter>;
    setting("num_thresholds", o.num_thresholds, Range{.at_least = 2});
    setting("curve", o.curve);
    setting("summation_method", o.summation_method);
    if (!writing || !o.thresholds.empty()) setting("thresholds", o.thresholds);
    if (!writing || o.multi_label) setting("multi_label", o.multi_label);
    if (!writing || o.num_labels != 0) setting("num_labels", o.num_labels);
    if (!writing || !o.label_weights.empty()) setting("label_weights", o.label_weights);
    setting("from_logits", o.from_logits);
  }
  std::optional<bool> higher_is_better() const override { return true; }
  double value(const std::vector<Counts>& counts) const override {
    const bool of_precision = options.curve == "PR";
    if (of_precision && options.summation_method == "interpolation")
      return interpolated_precision(counts);
    double area = 0;
    for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
      const Counts &a = counts[i], &b = counts[i + 1];
      const auto x = [&](const Counts& n) {
        return of_precision ? recall_of(n) : ratio(n.fp, n.fp + n.tn);
      };
      const auto y = [&](const Counts& n) { return of_precision ? precision_of(n) : recall_of(n); };
      const double height = options.summation_method == "interpolation" ? (y(a) + y(b)) / 2
                            : options.summation_method == "minoring"    ? std::min(y(a), y(b))
                                                                        : std::max(y(a), y(b));
      area += (x(a) - x(b)) * height;
    }
    return area;
  }

 private:
  static std::vector<double> thresholds_of(const AUCOptions& o) {
    if (o.thresholds.empty()) return spread_thresholds(o.num_thresholds);
    std::vector<double> all = o.thresholds;
    for (const double t : all)
      if (!(t >= 0 && t <= 1))
        throw Error("auc: a threshold is " + sdk::shortest(t) + "; it must lie in [0, 1].");
    std::sort(all.begin(), all.end());
    const std::vector<double> ends = spread_thresholds(2);
    all.insert(all.begin(), ends.front());
    all.push_back(ends.back());
    return all;
  }
  // Between two thresholds true and false positives are interpolated (Davis and Goadrich, 2006).
  static double interpolated_precision(const std::vector<Counts>& counts) {
    double area = 0;
    for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
      const Counts &a = counts[i], &b = counts[i + 1];
      const double positives_a = a.tp + a.fp, positives_b = b.tp + b.fp;
      const double slope = ratio(a.tp - b.tp, std::max(positives_a - positives_b, 0.0));
      const double intercept = b.tp - slope * positives_b;
      const double share = positives_a > 0 && positives_b > 0 ? positives_a / positives_b : 1;
      area += ratio(slope * (a.tp - b.tp + intercept * std::log(share)), b.tp + b.fn);
    }
    return area;
  }
};

using Rate = double (*)(const Counts&);

// The best value of one rate among the thresholds where another rate reaches a bound.
template <class M, class O, Rate best, Rate bounded>
struct BestWhere : MetricOf<M, O, ConfusionMetric> {
  explicit BestWhere(const O& o) : MetricOf<M, O, ConfusionMetric>(o) {
    this->decide({.thresholds = spread_thresholds(o.num_thresholds),
                  .class_id = o.class_id,
                  .probabilities = true});
  }
  static void describe(auto& setting, auto& o) {
    setting(M::bound, bound_of(o), Range{.at_least = 0, .at_most = 1});
    setting("num_thresholds", o.num_thresholds, Range{.at_least = 2});
    setting("class_id", o.class_id);
  }
  std::optional<bool> higher_is_better() const override { return true; }
  double value(const std::vector<Counts>& counts) const override {
    const double bound = bound_of(this->options);
    double found = 0;
    for (const Counts& n : counts)
      if (bounded(n) >= bound) found = std::max(found, best(n));
    return found;
  }

 private:
  static auto& bound_of(auto& o) {
    if constexpr (requires { o.specificity; })
      return o.specificity;
    else if constexpr (requires { o.sensitivity; })
      return o.sensitivity;
    else if constexpr (requires { o.recall; })
      return o.recall;
    else
      return o.precision;
  }
};

struct SensitivityMetric
    : BestWhere<SensitivityMetric, SensitivityAtSpecificityOptions, recall_of, specificity_of> {
  using BestWhere::BestWhere;
  static constexpr const char* names[] = {"sensitivity_at_specificity"};
  static constexpr const char* bound = "specificity";
};
struct SpecificityMetric
    : BestWhere<SpecificityMetric, SpecificityAtSensitivityOptions, specificity_of, recall_of> {
  using BestWhere::BestWhere;
  static constexpr const char* names[] = {"specificity_at_sensitivity"};
  static constexpr const char* bound = "sensitivity";
};
struct PrecisionAtMetric
    : BestWhere<PrecisionAtMetric, PrecisionAtRecallOptions, precision_of, recall_of> {
  using BestWhere::BestWhere;
  static constexpr const char* names[] = {"precision_at_recall"};
  static constexpr const char* bound = "recall";
};
struct RecallAtMetric
    : BestWhere<RecallAtMetric, RecallAtPrecisionOptions, recall_of, precision_of> {
  using BestWhere::BestWhere;
  static constexpr const char* names[] = {"recall_at_precision"};
  static constexpr const char* bound = "precision";
};

}  // namespace

namespace {
CountOptions named(CountOptions o, const char* name) {
  if (o.name.empty()) o.name = name;
  return o;
}
}  // namespace

MetricRows confusion_metrics() {
  return {metric_row<PrecisionMetric>(),
          metric_row<RecallMetric>(),
          metric_row<TruePositivesMetric>(),
          metric_row<TrueNegativesMetric>(),
          metric_row<FalsePositivesMetric>(),
          metric_row<FalseNegativesMetric>(),
          metric_row<AUCMetric>(),
          metric_row<SensitivityMetric>(),
          metric_row<SpecificityMetric>(),
          metric_row<PrecisionAtMetric>(),
          metric_row<RecallAtMetric>()};
}

Precision::Precision(const PrecisionOptions& options)
    : Metric(std::make_shared<PrecisionMetric>(options)) {}
Recall::Recall(const RecallOptions& options) : Metric(std::make_shared<RecallMetric>(options)) {}
TruePositives::TruePositives(const CountOptions& options)
    : Metric(std::make_shared<TruePositivesMetric>(named(options, "true_positives"))) {}
TrueNegatives::TrueNegatives(const CountOptions& options)
    : Metric(std::make_shared<TrueNegativesMetric>(named(options, "true_negatives"))) {}
FalsePositives::FalsePositives(const CountOptions& options)
    : Metric(std::make_shared<FalsePositivesMetric>(named(options, "false_positives"))) {}
FalseNegatives::FalseNegatives(const CountOptions& options)
    : Metric(std::make_shared<FalseNegativesMetric>(named(options, "false_negatives"))) {}
AUC::AUC(const AUCOptions& options) : Metric(std::make_shared<AUCMetric>(options)) {}
SensitivityAtSpecificity::SensitivityAtSpecificity(const SensitivityAtSpecificityOptions& options)
    : Metric(std::make_shared<SensitivityMetric>(options)) {}
SpecificityAtSensitivity::SpecificityAtSensitivity(const SpecificityAtSensitivityOptions& options)
    : Metric(std::make_shared<SpecificityMetric>(options)) {}
PrecisionAtRecall::PrecisionAtRecall(const PrecisionAtRecallOptions& options)
    : Metric(std::make_shared<PrecisionAtMetric>(options)) {}
RecallAtPrecision::RecallAtPrecision(const RecallAtPrecisionOptions& options)
    : Metric(std::make_shared<RecallAtMetric>(options)) {}

}  // namespace tempo
