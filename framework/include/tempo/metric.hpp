// Metrics: numbers that are watched during training, as running means over the samples seen.
#pragma once

#include <tempo/loss.hpp>

namespace tempo TEMPO_HIDDEN {

struct MetricState;

/// A running mean over samples, from its class, a text ("accuracy", "mse",
/// "binary_accuracy(threshold=0.9)") or a loss. A handle; copies are the same metric.
/// "accuracy" becomes binary, categorical or sparse categorical by the shapes of its first update.
class Metric {
 public:
  Metric(const char* text) : Metric(std::string(text)) {}
  TEMPO_API Metric(const std::string& text);
  /// The mean of the loss of each sample.
  TEMPO_API Metric(const Loss& loss);

  /// Adds a batch. What the mask of y_pred or a weight of 0 leaves out does not count, whatever it
  /// holds. Throws Error for a label that is none (NaN, 0.7, a class that y_pred does not have),
  /// and ShapeError where shapes do not fit. A prediction of NaN is neither right nor wrong: it
  /// makes the result NaN.
  TEMPO_API void update(const Tensor& y_true, const Tensor& y_pred,
                        const Tensor& sample_weight = {});
  /// The mean since the last reset; 0 when nothing was added that counts.
  TEMPO_API double result() const;
  TEMPO_API void reset();

  /// The name in logs and History: the text it was given by, or "binary_accuracy".
  TEMPO_API std::string name() const;
  /// What Metric(text) makes the same one from; "" when it counts a user's function.
  TEMPO_API std::string text() const;
  /// Whether larger is better.
  TEMPO_API bool higher_is_better() const;
  /// A metric like it, not the same one, that has seen nothing; fit and evaluate count in such.
  TEMPO_API Metric fresh() const;

 protected:
  explicit Metric(std::shared_ptr<MetricState> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<MetricState> state_;
};

/// The share of elements that are equal.
class Accuracy : public Metric {
 public:
  TEMPO_API Accuracy(const std::string& name = "accuracy");
};

struct BinaryAccuracyOptions {
  double threshold = 0.5;  ///< above it, y_pred says 1
  std::string name = "binary_accuracy";
};

/// The share of elements on the right side of the threshold; labels are 0 and 1.
class BinaryAccuracy : public Metric {
 public:
  TEMPO_API BinaryAccuracy(const BinaryAccuracyOptions& options = {});
};

/// The share of samples whose largest prediction is where the one-hot label is.
class CategoricalAccuracy : public Metric {
 public:
  TEMPO_API CategoricalAccuracy(const std::string& name = "categorical_accuracy");
};

struct SparseCategoricalAccuracyOptions {
  std::optional<int64_t> ignore_class = {};  ///< samples with this label do not count
  std::string name = "sparse_categorical_accuracy";
};

/// The share of samples whose largest prediction is at the class number.
class SparseCategoricalAccuracy : public Metric {
 public:
  TEMPO_API SparseCategoricalAccuracy(const SparseCategoricalAccuracyOptions& options);
  TEMPO_API SparseCategoricalAccuracy(const std::string& name = "sparse_categorical_accuracy");
};

}  // namespace tempo
