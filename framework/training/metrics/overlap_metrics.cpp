// SPDX-License-Identifier: Apache-2.0
// Intersection over union, from a table that counts each pair of true and predicted class.
#include <algorithm>
#include <cmath>
#include <limits>

#include <tempo/metrics.hpp>

#include "training/metrics/confusion.hpp"

namespace tempo {

namespace {

// The way in which labels become classes.
struct Reading {
  bool sparse_y_true = true, sparse_y_pred = true;
  int axis = -1;
  std::optional<int64_t> ignore_class = {};
  double threshold = -1;  // if at least 0: y_pred from it on says 1
};

struct OverlapMetric : MetricState {
  std::optional<bool> higher_is_better() const override { return true; }
  void reset() override { std::fill(table_.begin(), table_.end(), 0.0), nan_ = false; }

  void add(const Tensor& y_true, const Tensor& y_pred, const Weighting& given) override {
    const Tensor t = how_.sparse_y_true ? y_true : likeliest(y_true);
    if (says_shares()) given.require_whole_along(y_pred, how_.axis);
    const Pair pair = aligned(t, classes_said(y_pred));
    if (pair.y_true.shape() != pair.y_pred.shape())
      shapes_differ(name, y_true, y_pred, one_for_each);
    const Shape shape = pair.y_true.shape();
    const ClassNumbers labels(name, pair.y_true, classes_, how_.ignore_class, given);
    const std::vector<double> truth = cast(labels.labels, float64).to_vector();
    const std::vector<double> said = pair.y_pred.to_vector();
    const Tensor factors = given.factors(shape, float64);
    const std::vector<double> weight =
        factors ? broadcast_to(factors, shape).to_vector() : std::vector<double>(said.size(), 1);
    const std::vector<double> kept =
        labels.kept ? cast(broadcast_to(labels.kept, shape), float64).to_vector()
                    : std::vector<double>(said.size(), 1);
    for (std::size_t i = 0; i < said.size(); ++i) {
      if (kept[i] == 0) continue;
      if (std::isnan(said[i])) {
        nan_ = true;
        continue;
      }
      if (!(said[i] >= 0 && said[i] < static_cast<double>(classes_)) ||
          said[i] != std::floor(said[i]))
        throw Error(name + ": a prediction is " + sdk::shortest(said[i]) +
                    "; it must be a class number, a whole number in [0, " +
                    std::to_string(classes_ - 1) +
                    "].\n  For probabilities of each class set sparse_y_pred to false.");
      at(static_cast<std::size_t>(truth[i]), static_cast<std::size_t>(said[i])) += weight[i];
    }
  }

  double result() const override {
    if (nan_) return std::numeric_limits<double>::quiet_NaN();
    double total = 0;
    int counted = 0;
    for (const int64_t id : targets_) {
      const auto c = static_cast<std::size_t>(id);
      double either = -at(c, c);
      for (std::size_t k = 0; k < static_cast<std::size_t>(classes_); ++k)
        either += at(c, k) + at(k, c);
      if (either <= 1e-9) continue;
      total += at(c, c) / either;
      ++counted;
    }
    return ratio(total, counted);
  }

 protected:
  // Without targets, all classes count.
  void read(int classes, std::vector<int64_t> targets, bool all, const Reading& how) {
    if (classes < 2 || classes > 10000)
      throw Error(text_name() + ": num_classes is " + std::to_string(classes) +
                  "; it must be given, and lie in [2, 10000].");
    classes_ = classes;
    if (all)
      for (int64_t c = 0; c < classes; ++c) targets.push_back(c);
    if (targets.empty())
      throw Error(text_name() +
                  ": no target_class_ids were given; these are the classes whose overlaps count.");
    for (const int64_t c : targets)
      if (c < 0 || c >= classes)
        throw Error(text_name() + ": a target class is " + std::to_string(c) +
                    "; it must lie in [0, " + std::to_string(classes - 1) + "].");
    targets_ = std::move(targets);
    how_ = how;
    table_.assign(static_cast<std::size_t>(classes) * static_cast<std::size_t>(classes), 0);
  }

 private:
  // Whether y_pred holds one score for each class.
  bool says_shares() const { return how_.threshold < 0 && !how_.sparse_y_pred; }
  // Class numbers as float64; NaN where a score is NaN.
  Tensor likeliest(const Tensor& y) const {
    return unless_nan(argmax(y, how_.axis), max(y, how_.axis));
  }
  Tensor classes_said(const Tensor& y_pred) const {
    if (says_shares()) return likeliest(y_pred);
    if (how_.threshold < 0) return cast(y_pred, float64);
    const DType dtype = is_floating(y_pred.dtype()) ? y_pred.dtype() : float64;
    const double threshold = thresholds_in(dtype, {how_.threshold})[0];
    return unless_nan(cast(y_pred, dtype) >= threshold, y_pred);
  }
  std::string text_name() const { return beginning(text); }
  double& at(std::size_t truth, std::size_t said) {
    return table_[truth * static_cast<std::size_t>(classes_) + said];
  }
  double at(std::size_t truth, std::size_t said) const {
    return table_[truth * static_cast<std::size_t>(classes_) + said];
  }

  int classes_ = 0;
  std::vector<int64_t> targets_;
  Reading how_;
  std::vector<double> table_;  // [truth, said]
  bool nan_ = false;           // whether a prediction that counts was NaN
};

template <class M, class O>
struct Overlap : MetricOf<M, O, OverlapMetric> {
  explicit Overlap(const O& o) : MetricOf<M, O, OverlapMetric>(o) {
    Reading how{.sparse_y_true = false, .axis = o.axis, .ignore_class = o.ignore_class};
    if constexpr (requires { o.sparse_y_true; }) how.sparse_y_true = o.sparse_y_true;
    how.sparse_y_pred = o.sparse_y_pred;
    std::vector<int64_t> targets;
    constexpr bool chosen = requires { o.target_class_ids; };
    if constexpr (chosen) targets = o.target_class_ids;
    this->read(o.num_classes, targets, !chosen, how);
  }
  static void describe(auto& setting, auto& o) {
    setting("num_classes", o.num_classes, Range{});
    if constexpr (requires { o.target_class_ids; }) setting("target_class_ids", o.target_class_ids);
    setting("ignore_class", o.ignore_class);
    if constexpr (requires { o.sparse_y_true; }) setting("sparse_y_true", o.sparse_y_true);
    setting("sparse_y_pred", o.sparse_y_pred);
    setting("axis", o.axis);
  }
};

struct IoUMetric : Overlap<IoUMetric, IoUOptions> {
  using Overlap::Overlap;
  static constexpr const char* names[] = {"iou", "IoU"};
};
struct MeanIoUMetric : Overlap<MeanIoUMetric, MeanIoUOptions> {
  using Overlap::Overlap;
  static constexpr const char* names[] = {"mean_iou", "MeanIoU"};
};
struct OneHotIoUMetric : Overlap<OneHotIoUMetric, OneHotIoUOptions> {
  using Overlap::Overlap;
  static constexpr const char* names[] = {"one_hot_iou", "OneHotIoU"};
};
struct OneHotMeanIoUMetric : Overlap<OneHotMeanIoUMetric, OneHotMeanIoUOptions> {
  using Overlap::Overlap;
  static constexpr const char* names[] = {"one_hot_mean_iou", "OneHotMeanIoU"};
};
struct BinaryIoUMetric : MetricOf<BinaryIoUMetric, BinaryIoUOptions, OverlapMetric> {
  explicit BinaryIoUMetric(const BinaryIoUOptions& o) : MetricOf(o) {
    read(2, o.target_class_ids, false, {.threshold = o.threshold});
  }
  static constexpr const char* names[] = {"binary_iou", "BinaryIoU"};
  static void describe(auto& setting, auto& o) {
    setting("target_class_ids", o.target_class_ids);
    setting("threshold", o.threshold, Range{.at_least = 0, .at_most = 1});
  }
};

}  // namespace

MetricRows overlap_metrics() {
  return {metric_row<IoUMetric>(), metric_row<MeanIoUMetric>(), metric_row<OneHotIoUMetric>(),
          metric_row<OneHotMeanIoUMetric>(), metric_row<BinaryIoUMetric>()};
}

IoU::IoU(const IoUOptions& options) : Metric(std::make_shared<IoUMetric>(options)) {}
MeanIoU::MeanIoU(const MeanIoUOptions& options)
    : Metric(std::make_shared<MeanIoUMetric>(options)) {}
OneHotIoU::OneHotIoU(const OneHotIoUOptions& options)
    : Metric(std::make_shared<OneHotIoUMetric>(options)) {}
OneHotMeanIoU::OneHotMeanIoU(const OneHotMeanIoUOptions& options)
    : Metric(std::make_shared<OneHotMeanIoUMetric>(options)) {}
BinaryIoU::BinaryIoU(const BinaryIoUOptions& options)
    : Metric(std::make_shared<BinaryIoUMetric>(options)) {}

}  // namespace tempo
