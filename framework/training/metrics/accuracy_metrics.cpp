// SPDX-License-Identifier: Apache-2.0
// Accuracies: the share of samples that a model predicts correctly.
#include <cmath>

#include "training/metrics/metric_state.hpp"

namespace tempo {

namespace {

enum class Kind { by_shape, accuracy, binary, categorical, sparse };

struct AccuracyMetric : MeanMetric {
  AccuracyMetric(Kind its_kind, const std::string& its_name, const std::string& its_text)
      : kind(its_kind) {
    name = its_name;
    text = its_text;
  }
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) override;
  MetricRef copy() const override { return std::make_shared<AccuracyMetric>(*this); }
  std::optional<bool> higher_is_better() const override { return true; }

  Kind kind;
  double threshold = 0.5;
  std::optional<int64_t> ignore_class = {};

 private:
  Tensor equal_elements(const Tensor& y_true, const Tensor& y_pred,
                        const Weighting& weighting) const;
  Tensor equal_classes(const Tensor& y_true, const Tensor& y_pred,
                       const Weighting& weighting) const;
};

void describe(auto& setting, BinaryAccuracyOptions& o) {
  setting("threshold", o.threshold);
  setting("name", o.name);
}

void describe(auto& setting, SparseCategoricalAccuracyOptions& o) {
  setting("ignore_class", o.ignore_class);
  setting("name", o.name);
}

Tensor AccuracyMetric::equal_elements(const Tensor& y_true, const Tensor& y_pred,
                                      const Weighting& weighting) const {
  auto [t, p] = aligned(y_true, y_pred);
  if (t.shape() != p.shape()) shapes_differ(name, y_true, y_pred, one_for_each);
  t = only(weighting.kept(t.shape()), t);
  if (kind == Kind::binary) {
    require_zeros_and_ones(name, t);
    const Tensor said = is_floating(p.dtype()) ? p : cast(p, float64);
    return unless_nan(equal(not_equal(t, 0), said > threshold), p);
  }
  require_numbers(name, t);
  if (t.dtype() == p.dtype()) return unless_nan(equal(t, p), p);
  const DType both = is_floating(t.dtype()) || is_floating(p.dtype()) ? float64 : int64;
  return unless_nan(equal(cast(t, both), cast(p, both)), p);
}

Tensor AccuracyMetric::equal_classes(const Tensor& y_true, const Tensor& y_pred,
                                     const Weighting& weighting) const {
  if (y_pred.rank() == 0) shapes_differ(name, y_true, y_pred, one_for_each);
  const Tensor kept = weighting.kept_across(y_pred, -1);
  const Tensor found = argmax(y_pred, -1), greatest = max(y_pred, -1);
  if (kind == Kind::categorical) {
    const Tensor t = y_true.rank() == y_pred.rank() ? only(kept, y_true) : y_true;
    require_probabilities(name, t);
    if (t.shape() != y_pred.shape()) shapes_differ(name, y_true, y_pred, one_for_each);
    require_classes(name, y_pred, -1, one_class_metric);
    return unless_nan(equal(argmax(t, -1), found), greatest);
  }
  const Tensor labels = without_ones(y_true, found.rank());
  if (labels.shape() != found.shape()) shapes_differ(name, y_true, y_pred, one_for_each);
  const ClassNumbers of(name, labels, y_pred.shape().back(), ignore_class, weighting);
  const Tensor values = unless_nan(equal(of.labels, found), greatest);
  return of.not_ignored ? with_mask(values, of.not_ignored) : values;
}

Tensor AccuracyMetric::values(const Tensor& y_true, const Tensor& y_pred,
                              const Weighting& weighting) {
  if (kind == Kind::by_shape && !is_floating(y_pred.dtype())) kind = Kind::accuracy;  // labels
  if (kind == Kind::by_shape) {
    const Labels labels = labels_of(y_true.shape(), y_pred.shape());
    kind = labels == Labels::binary   ? Kind::binary
           : labels == Labels::sparse ? Kind::sparse
                                      : Kind::categorical;
  }
  return kind == Kind::accuracy || kind == Kind::binary ? equal_elements(y_true, y_pred, weighting)
                                                        : equal_classes(y_true, y_pred, weighting);
}

// Whether fewer than k classes score above the label; a tie counts as within. NaN if any score is.
Tensor within_top(const Tensor& y_pred, const Tensor& of_label, int k) {
  const Tensor above = y_pred > expand_dims(of_label, -1);
  return unless_nan(sum(cast(above, int64), -1) < k, max(y_pred, -1));
}

struct TopKMetric : MetricOf<TopKMetric, TopKCategoricalAccuracyOptions, MeanMetric> {
  using MetricOf::MetricOf;
  static constexpr const char* names[] = {"top_k_categorical_accuracy"};
  static void describe(auto& setting, auto& o) { setting("k", o.k, least_k); }
  std::optional<bool> higher_is_better() const override { return true; }
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) override {
    if (y_pred.rank() == 0 || y_true.shape() != y_pred.shape())
      shapes_differ(name, y_true, y_pred, one_for_each);
    require_classes(name, y_pred, -1, one_class_metric);
    const Tensor kept = weighting.kept_across(y_pred, -1);
    const Tensor t = cast(only(kept, y_true), float64), p = cast(y_pred, float64);
    require_probabilities(name, t);
    const Tensor hit = one_hot(argmax(t, -1), y_pred.shape().back(), float64);
    return within_top(p, max(where(equal(hit, 1), p, -HUGE_VAL), -1), options.k);
  }
  static constexpr Range least_k{.at_least = 1};
};

struct SparseTopKMetric
    : MetricOf<SparseTopKMetric, SparseTopKCategoricalAccuracyOptions, MeanMetric> {
  using MetricOf::MetricOf;
  static constexpr const char* names[] = {"sparse_top_k_categorical_accuracy"};
  static void describe(auto& setting, auto& o) {
    setting("k", o.k, TopKMetric::least_k);
    setting("from_sorted_ids", o.from_sorted_ids);
  }
  std::optional<bool> higher_is_better() const override { return true; }
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) override {
    const Tensor labels = without_ones(y_true, std::max(0, y_pred.rank() - 1));
    const Shape all = y_pred.shape();
    if (all.empty() || labels.shape() != Shape(all.begin(), all.end() - 1))
      shapes_differ(name, y_true, y_pred, one_for_each);
    weighting.require_whole_along(y_pred, -1);
    if (options.from_sorted_ids) {
      const auto k = std::min(static_cast<int64_t>(options.k), all.back());
      const Tensor first = cast(slice(y_pred, y_pred.rank() - 1, 0, k), float64);
      const Tensor of = cast(class_ids(name, labels, weighting), float64);
      const Tensor hits = equal(first, expand_dims(of, -1));
      return unless_nan(sum(cast(hits, int64), -1), sum(first, -1));
    }
    const ClassNumbers of(name, labels, all.back(), {}, weighting);
    const Tensor p = cast(y_pred, float64), hit = one_hot(of.labels, all.back(), float64);
    return within_top(p, max(where(equal(hit, 1), p, -HUGE_VAL), -1), options.k);
  }
};

MetricRef simple(Kind kind, const std::string& name, const std::string& class_name) {
  return std::make_shared<AccuracyMetric>(
      kind, name, name == class_name ? name : class_name + "(name=" + name + ")");
}

template <class Options>
std::string written(const char* name, Options options) {
  SettingsWriter writer(name);
  describe(writer, options);
  return writer.text();
}

MetricRef binary(const BinaryAccuracyOptions& options) {
  if (std::isnan(options.threshold))
    throw Error("binary_accuracy: threshold is NaN; it must be a number.");
  auto made = std::make_shared<AccuracyMetric>(Kind::binary, options.name,
                                               written("binary_accuracy", options));
  made->threshold = options.threshold;
  return made;
}

MetricRef sparse(const SparseCategoricalAccuracyOptions& options) {
  auto made = std::make_shared<AccuracyMetric>(Kind::sparse, options.name,
                                               written("sparse_categorical_accuracy", options));
  made->ignore_class = options.ignore_class;
  return made;
}

template <Kind kind>
MetricRef of_kind(SettingsReader& reader) {
  std::string name = beginning(reader.text());
  reader("name", name);
  return std::make_shared<AccuracyMetric>(kind, name, reader.text());
}

MetricRef accuracy_of_elements(SettingsReader& reader) {
  std::string name = "accuracy";
  reader("name", name);
  return simple(Kind::accuracy, name, "Accuracy");
}

MetricRef binary_accuracy(SettingsReader& reader) {
  BinaryAccuracyOptions options;
  describe(reader, options);
  return binary(options);
}

MetricRef sparse_accuracy(SettingsReader& reader) {
  SparseCategoricalAccuracyOptions options{.name = beginning(reader.text())};
  describe(reader, options);
  const MetricRef made = sparse(options);
  made->text = reader.text();
  return made;
}

}  // namespace

MetricRows accuracy_metrics() {
  return {{{"accuracy", "acc"}, of_kind<Kind::by_shape>},
          {{"Accuracy"}, accuracy_of_elements},
          {{"binary_accuracy"}, binary_accuracy},
          {{"categorical_accuracy"}, of_kind<Kind::categorical>},
          {{"sparse_categorical_accuracy"}, sparse_accuracy},
          metric_row<TopKMetric>(),
          metric_row<SparseTopKMetric>()};
}

Accuracy::Accuracy(const std::string& name)
    : Metric(simple(Kind::accuracy, readable(name), "Accuracy")) {}
BinaryAccuracy::BinaryAccuracy(const BinaryAccuracyOptions& options) : Metric(binary(options)) {
  readable(options.name);
}
CategoricalAccuracy::CategoricalAccuracy(const std::string& name)
    : Metric(simple(Kind::categorical, readable(name), "categorical_accuracy")) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(const std::string& name)
    : Metric(simple(Kind::sparse, readable(name), "sparse_categorical_accuracy")) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(
    const SparseCategoricalAccuracyOptions& options)
    : Metric(sparse(options)) {
  readable(options.name);
}
TopKCategoricalAccuracy::TopKCategoricalAccuracy(const TopKCategoricalAccuracyOptions& options)
    : Metric(std::make_shared<TopKMetric>(options)) {}
SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy(
    const SparseTopKCategoricalAccuracyOptions& options)
    : Metric(std::make_shared<SparseTopKMetric>(options)) {}

}  // namespace tempo
