// SPDX-License-Identifier: Apache-2.0
// Metrics: numbers over all samples seen, to be watched during training.
#pragma once

#include <concepts>

#include <tempo/loss.hpp>
#include <tempo/schedule.hpp>

namespace tempo TEMPO_HIDDEN {

struct MetricState;

namespace sdk {
template <class M>
concept UpdatedByTwo = requires(M m, const Tensor& t) {
  m.update(t, t);
};
template <class M>
concept UpdatedByThree = requires(M m, const Tensor& t) {
  m.update(t, t, t);
};
}  // namespace sdk

/// A class that counts over batches: update(y_true, y_pred), or with a third argument, the weight
/// of each sample or step, and result().
template <class M>
concept StatefulMetric = (sdk::UpdatedByTwo<M> || sdk::UpdatedByThree<M>)&&requires(const M m) {
  { m.result() } -> std::convertible_to<double>;
};

/// A number over all samples seen, mostly a mean. Made from its class, a text ("accuracy", "mse",
/// "auc(curve=PR)") or a loss. A handle; copies are the same metric. One thread at a time.
/// "accuracy" becomes binary, categorical or sparse categorical by the shapes of its first update.
class Metric {
 public:
  Metric(const char* text) : Metric(std::string(text)) {}
  TEMPO_API Metric(const std::string& text);
  /// The mean of the loss of each sample.
  TEMPO_API Metric(const Loss& loss);
  /// An object of your own that has seen nothing; the metric counts with copies of it:
  ///
  ///     struct Largest {
  ///       void update(const Tensor&, const Tensor& y_pred) {
  ///         seen = std::max(seen, max(y_pred).item());
  ///       }
  ///       double result() const { return seen; }
  ///       double seen = 0;
  ///     };
  ///     model.compile({.loss = "mse", .metrics = {Metric(Largest(), "largest")}});
  ///
  /// The third argument of its update is the sample_weight, with 0 where the mask of y_pred leaves
  /// a step out; it is Tensor{} if all count the same.
  template <StatefulMetric M>
  requires(!std::derived_from<M, Metric>)
      Metric(M metric, const std::string& name, std::optional<bool> higher_is_better = {})
      : Metric(std::make_shared<Bound<M>>(std::move(metric)), name, higher_is_better) {}
  /// An object of your own, as libtempo calls it.
  class Own {
   public:
    virtual ~Own() = default;
    virtual void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) = 0;
    virtual double result() const = 0;
    virtual std::shared_ptr<Own> copy() const = 0;
  };

  /// Adds a batch. Elements that the mask of y_pred or a weight of 0 leaves out do not count,
  /// whatever they hold. Throws Error for an invalid label (NaN, 0.7, a class that y_pred does not
  /// have), and ShapeError if shapes do not fit, or if a mask has an axis that is reduced. A
  /// prediction of NaN is neither right nor wrong: it makes the result NaN.
  TEMPO_API void update(const Tensor& y_true, const Tensor& y_pred,
                        const Tensor& sample_weight = {});
  /// The result of all batches since the last reset; a mean is 0 if nothing counted. Throws Error
  /// if there are several numbers.
  TEMPO_API double result() const;
  /// All numbers of the metric, one for each of several thresholds.
  TEMPO_API std::vector<double> results() const;
  /// A metric for each of its numbers that has seen nothing: "precision_0.3" and "precision_0.7" of
  /// Precision({.thresholds = {0.3, 0.7}}). compile also takes only some of these.
  TEMPO_API std::vector<Metric> parts() const;
  TEMPO_API void reset();

  /// The name in logs and History: the text that it was made from, or "binary_accuracy".
  TEMPO_API std::string name() const;
  /// The text from which Metric(text) makes the same metric; "" if it counts a user's function.
  TEMPO_API std::string text() const;
  /// Whether larger is better; none for a user's function, for which it is unknown.
  TEMPO_API std::optional<bool> higher_is_better() const;
  /// A new metric of the same kind that has seen nothing; fit and evaluate count with new ones.
  TEMPO_API Metric fresh() const;

 protected:
  explicit Metric(std::shared_ptr<MetricState> state) : state_(std::move(state)) {}

 private:
  template <class M>
  struct Bound : Own {
    explicit Bound(M its_metric) : metric(std::move(its_metric)) {}
    void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) override {
      if constexpr (sdk::UpdatedByThree<M>)
        metric.update(y_true, y_pred, weight);
      else
        metric.update(y_true, y_pred);
    }
    double result() const override { return metric.result(); }
    std::shared_ptr<Own> copy() const override { return std::make_shared<Bound>(*this); }
    M metric;
  };
  TEMPO_API Metric(std::shared_ptr<Own> metric, const std::string& name,
                   std::optional<bool> higher_is_better);

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
  TEMPO_OPTIONS(BinaryAccuracy, BinaryAccuracyOptions);
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
  TEMPO_OPTIONS(SparseCategoricalAccuracy, SparseCategoricalAccuracyOptions);
  TEMPO_API SparseCategoricalAccuracy(const std::string& name = "sparse_categorical_accuracy");
};

struct TopKCategoricalAccuracyOptions {
  int k = 5;
  std::string name = "top_k_categorical_accuracy";
};

/// The share of samples whose one-hot label is among the k largest predictions; ties count.
class TopKCategoricalAccuracy : public Metric {
 public:
  TEMPO_API TopKCategoricalAccuracy(const TopKCategoricalAccuracyOptions& options = {});
  TEMPO_OPTIONS(TopKCategoricalAccuracy, TopKCategoricalAccuracyOptions);
};

struct SparseTopKCategoricalAccuracyOptions {
  int k = 5;
  bool from_sorted_ids = false;  ///< y_pred holds class numbers, the likeliest first
  std::string name = "sparse_top_k_categorical_accuracy";
};

/// The same for class numbers.
class SparseTopKCategoricalAccuracy : public Metric {
 public:
  TEMPO_API SparseTopKCategoricalAccuracy(const SparseTopKCategoricalAccuracyOptions& options = {});
  TEMPO_OPTIONS(SparseTopKCategoricalAccuracy, SparseTopKCategoricalAccuracyOptions);
};

struct RootMeanSquaredErrorOptions {
  std::string name = "root_mean_squared_error";
};

/// sqrt(mean((y_true - y_pred)^2)) of all samples.
class RootMeanSquaredError : public Metric {
 public:
  TEMPO_API RootMeanSquaredError(const RootMeanSquaredErrorOptions& options = {});
  TEMPO_OPTIONS(RootMeanSquaredError, RootMeanSquaredErrorOptions);
};

struct CosineSimilarityMetricOptions {
  int axis = -1;
  std::string name = "cosine_similarity";
};

/// The mean cosine of the angle between y_true and y_pred: 1 if they point the same way, while the
/// loss of that name is -1. As a text it is "cosine_similarity".
class CosineSimilarityMetric : public Metric {
 public:
  TEMPO_API CosineSimilarityMetric(const CosineSimilarityMetricOptions& options = {});
  TEMPO_OPTIONS(CosineSimilarityMetric, CosineSimilarityMetricOptions);
};

struct PerplexityOptions {
  bool from_logits = false;
  std::optional<int64_t> ignore_class = {};  ///< steps with this label do not count
  std::string name = "perplexity";
};

/// e to the mean crossentropy of class numbers: a model that guesses among n classes scores n.
class Perplexity : public Metric {
 public:
  TEMPO_API Perplexity(const PerplexityOptions& options = {});
  TEMPO_OPTIONS(Perplexity, PerplexityOptions);
};

// The metrics below count decisions: y_pred says 1 where it is above a threshold. Labels are 0 and
// 1. A rate whose denominator is 0 is 0.

/// The thresholds in [0, 1] above which y_pred says 1: `.thresholds = 0.3`. With several, a metric
/// has a number for each: see Metric::parts. Not given: 0.5, or with top_k the k largest.
class Thresholds : public std::vector<double> {
 public:
  using vector::vector;
  Thresholds(double one) : vector{one} {}
};

struct PrecisionOptions {
  Thresholds thresholds = {};
  int top_k = 0;                         ///< only the k largest of a sample may say 1; 0: all may
  std::optional<int64_t> class_id = {};  ///< only this class of the last axis counts
  std::string name = "precision";
};

/// The share of predictions of 1 whose label is 1.
class Precision : public Metric {
 public:
  TEMPO_API Precision(const PrecisionOptions& options = {});
  TEMPO_OPTIONS(Precision, PrecisionOptions);
};

struct RecallOptions {
  Thresholds thresholds = {};
  int top_k = 0;                         ///< only the k largest of a sample may say 1; 0: all may
  std::optional<int64_t> class_id = {};  ///< only this class of the last axis counts
  std::string name = "recall";
};

/// The share of labels 1 that are predicted as 1.
class Recall : public Metric {
 public:
  TEMPO_API Recall(const RecallOptions& options = {});
  TEMPO_OPTIONS(Recall, RecallOptions);
};

struct CountOptions {
  Thresholds thresholds = {};
  std::string name = "";  ///< empty: the name of its class, "true_positives"
};

/// The number of labels 1 that are predicted as 1, each with its weight.
class TruePositives : public Metric {
 public:
  TEMPO_API TruePositives(const CountOptions& options = {});
  TEMPO_OPTIONS(TruePositives, CountOptions);
};

/// The number of labels 0 that are predicted as 0.
class TrueNegatives : public Metric {
 public:
  TEMPO_API TrueNegatives(const CountOptions& options = {});
  TEMPO_OPTIONS(TrueNegatives, CountOptions);
};

/// The number of labels 0 that are predicted as 1.
class FalsePositives : public Metric {
 public:
  TEMPO_API FalsePositives(const CountOptions& options = {});
  TEMPO_OPTIONS(FalsePositives, CountOptions);
};

/// The number of labels 1 that are predicted as 0.
class FalseNegatives : public Metric {
 public:
  TEMPO_API FalseNegatives(const CountOptions& options = {});
  TEMPO_OPTIONS(FalseNegatives, CountOptions);
};

struct AUCOptions {
  int num_thresholds = 200;                        ///< at least 2, evenly spaced from 0 to 1
  std::string curve = "ROC";                       ///< or "PR": precision over recall
  std::string summation_method = "interpolation";  ///< or "minoring", "majoring"
  std::vector<double> thresholds = {};             ///< others, in [0, 1], besides 0 and 1
  bool multi_label = false;                ///< one area for each label of the last axis; their mean
  int num_labels = 0;                      ///< with multi_label: checked, if it is not 0
  std::vector<double> label_weights = {};  ///< the weights of that mean
  bool from_logits = false;
  std::string name = "auc";
};

/// The area under a curve of y_pred, which lies in [0, 1], by sums over thresholds. Between two
/// thresholds, precision is interpolated as by Davis and Goadrich (2006).
class AUC : public Metric {
 public:
  TEMPO_API AUC(const AUCOptions& options = {});
  TEMPO_OPTIONS(AUC, AUCOptions);
};

struct SensitivityAtSpecificityOptions {
  double specificity = 0.5;  ///< in [0, 1]
  int num_thresholds = 200;
  std::optional<int64_t> class_id = {};  ///< only this class of the last axis counts
  std::string name = "sensitivity_at_specificity";
};

/// The largest recall at a threshold whose specificity, the share of labels 0 that are predicted as
/// 0, is at least the given one.
class SensitivityAtSpecificity : public Metric {
 public:
  TEMPO_API SensitivityAtSpecificity(const SensitivityAtSpecificityOptions& options = {});
  TEMPO_OPTIONS(SensitivityAtSpecificity, SensitivityAtSpecificityOptions);
};

struct SpecificityAtSensitivityOptions {
  double sensitivity = 0.5;  ///< in [0, 1]
  int num_thresholds = 200;
  std::optional<int64_t> class_id = {};  ///< only this class of the last axis counts
  std::string name = "specificity_at_sensitivity";
};

/// The largest specificity at a threshold whose recall is at least the given sensitivity.
class SpecificityAtSensitivity : public Metric {
 public:
  TEMPO_API SpecificityAtSensitivity(const SpecificityAtSensitivityOptions& options = {});
  TEMPO_OPTIONS(SpecificityAtSensitivity, SpecificityAtSensitivityOptions);
};

struct PrecisionAtRecallOptions {
  double recall = 0.5;  ///< in [0, 1]
  int num_thresholds = 200;
  std::optional<int64_t> class_id = {};  ///< only this class of the last axis counts
  std::string name = "precision_at_recall";
};

/// The largest precision at a threshold whose recall is at least the given one.
class PrecisionAtRecall : public Metric {
 public:
  TEMPO_API PrecisionAtRecall(const PrecisionAtRecallOptions& options = {});
  TEMPO_OPTIONS(PrecisionAtRecall, PrecisionAtRecallOptions);
};

struct RecallAtPrecisionOptions {
  double precision = 0.5;  ///< in [0, 1]
  int num_thresholds = 200;
  std::optional<int64_t> class_id = {};  ///< only this class of the last axis counts
  std::string name = "recall_at_precision";
};

/// The largest recall at a threshold whose precision is at least the given one.
class RecallAtPrecision : public Metric {
 public:
  TEMPO_API RecallAtPrecision(const RecallAtPrecisionOptions& options = {});
  TEMPO_OPTIONS(RecallAtPrecision, RecallAtPrecisionOptions);
};

// F scores take [batch, classes]. `average`: "macro" is the mean over the classes, "weighted" a
// mean weighted by the number of labels of each class, "micro" counts all classes together. Keras
// gives one score per class unless asked for one of these.

struct F1ScoreOptions {
  std::string average = "macro";
  double threshold = not_given;  ///< in [0, 1]; not given: the largest of a sample says 1
  std::string name = "f1_score";
};

/// The harmonic mean of precision and recall.
class F1Score : public Metric {
 public:
  TEMPO_API F1Score(const F1ScoreOptions& options = {});
  TEMPO_OPTIONS(F1Score, F1ScoreOptions);
};

struct FBetaScoreOptions {
  std::string average = "macro";
  double beta = 1;               ///< recall counts this many times as much as precision
  double threshold = not_given;  ///< in [0, 1]; not given: the largest of a sample says 1
  std::string name = "fbeta_score";
};

/// (1 + beta^2) precision recall / (beta^2 precision + recall).
class FBetaScore : public Metric {
 public:
  TEMPO_API FBetaScore(const FBetaScoreOptions& options = {});
  TEMPO_OPTIONS(FBetaScore, FBetaScoreOptions);
};

}  // namespace tempo
