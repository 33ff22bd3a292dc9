// SPDX-License-Identifier: Apache-2.0
// Metrics that are a mean of a loss, or follow from one.
#include <cmath>

#include "training/metrics/metric_state.hpp"

namespace tempo {

namespace {

struct LossMetric : MeanMetric {
  LossMetric(const std::string& its_name, const std::string& its_text, const Loss& its_loss)
      : loss(its_loss) {
    name = its_name;
    text = its_text;
  }
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) override {
    if (!loss) choose(y_true.shape(), y_pred.shape());
    return losses_of(loss, y_true, y_pred, weighting);
  }
  MetricRef copy() const override { return std::make_shared<LossMetric>(*this); }
  std::optional<bool> higher_is_better() const override {
    if (loss && loss.text().empty()) return {};  // a user's function
    return false;
  }

 private:
  // Chooses the crossentropy by the shapes, as Keras resolves "crossentropy".
  void choose(const Shape& y_true, const Shape& y_pred) {
    const Labels labels = labels_of(y_true, y_pred);
    loss = labels == Labels::binary   ? Loss("binary_crossentropy")
           : labels == Labels::sparse ? Loss("sparse_categorical_crossentropy")
                                      : Loss("categorical_crossentropy");
  }
  Loss loss;  // none: a crossentropy, by the shapes
};

MetricRef crossentropy(SettingsReader& reader) {
  std::string name = beginning(reader.text());
  reader("name", name);
  return std::make_shared<LossMetric>(name, reader.text(), Loss{});
}

struct RootMeanMetric : MetricOf<RootMeanMetric, RootMeanSquaredErrorOptions, MeanMetric> {
  using MetricOf::MetricOf;
  static constexpr const char* names[] = {"root_mean_squared_error", "rmse"};
  static void describe(auto&, auto&) {}
  std::optional<bool> higher_is_better() const override { return false; }
  double result() const override { return std::sqrt(MeanMetric::result()); }
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) override {
    return losses_of("mse", y_true, y_pred, weighting);
  }
};

struct CosineMetric : MetricOf<CosineMetric, CosineSimilarityMetricOptions, MeanMetric> {
  using MetricOf::MetricOf;
  static constexpr const char* names[] = {"cosine_similarity"};
  static void describe(auto& setting, auto& o) { setting("axis", o.axis); }
  std::optional<bool> higher_is_better() const override { return true; }
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) override {
    return -losses_of(CosineSimilarity({.axis = options.axis}), y_true, y_pred, weighting);
  }
};

struct PerplexityMetric : MetricOf<PerplexityMetric, PerplexityOptions, MeanMetric> {
  using MetricOf::MetricOf;
  static constexpr const char* names[] = {"perplexity"};
  static void describe(auto& setting, auto& o) {
    setting("from_logits", o.from_logits);
    setting("ignore_class", o.ignore_class);
  }
  std::optional<bool> higher_is_better() const override { return false; }
  double result() const override { return std::exp(MeanMetric::result()); }
  Tensor values(const Tensor& y_true, const Tensor& y_pred, const Weighting& weighting) override {
    return losses_of(SparseCategoricalCrossentropy({.from_logits = options.from_logits,
                                                    .ignore_class = options.ignore_class}),
                     y_true, y_pred, weighting);
  }
};

}  // namespace

MetricRef loss_metric(const std::string& name, const std::string& text, const Loss& loss) {
  return std::make_shared<LossMetric>(name, text, loss);
}

MetricRows error_metrics() {
  return {{{"crossentropy", "ce"}, crossentropy},
          metric_row<RootMeanMetric>(),
          metric_row<CosineMetric>(),
          metric_row<PerplexityMetric>()};
}

RootMeanSquaredError::RootMeanSquaredError(const RootMeanSquaredErrorOptions& options)
    : Metric(std::make_shared<RootMeanMetric>(options)) {}
CosineSimilarityMetric::CosineSimilarityMetric(const CosineSimilarityMetricOptions& options)
    : Metric(std::make_shared<CosineMetric>(options)) {}
Perplexity::Perplexity(const PerplexityOptions& options)
    : Metric(std::make_shared<PerplexityMetric>(options)) {}

}  // namespace tempo
