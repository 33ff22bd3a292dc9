// SPDX-License-Identifier: Apache-2.0
// More metrics: means of values, overlaps of classes, correlations, explained variance.
#pragma once

#include <tempo/metric.hpp>

namespace tempo TEMPO_HIDDEN {

struct MeanOptions {
  std::string name = "mean";
};

/// The mean of values of your own, `mean.update(values)`, or of weighted ones. In fit, of y_pred.
class Mean : public Metric {
 public:
  TEMPO_API Mean(const MeanOptions& options = {});
  TEMPO_OPTIONS(Mean, MeanOptions);
  void update(const Tensor& values, const Tensor& sample_weight = {}) {
    Metric::update(values, values, sample_weight);
  }
};

struct SumOptions {
  std::string name = "sum";
};

/// The sum of values of your own, each times its weight. In fit, of y_pred.
class Sum : public Metric {
 public:
  TEMPO_API Sum(const SumOptions& options = {});
  TEMPO_OPTIONS(Sum, SumOptions);
  void update(const Tensor& values, const Tensor& sample_weight = {}) {
    Metric::update(values, values, sample_weight);
  }
};

// The overlap of a class: the count of elements that both y_true and y_pred give to it, divided by
// the count that either gives to it (intersection over union; Jaccard, 1901). Classes that occur in
// neither do not count; if none is left, the result is 0. Labels are class numbers, or with
// sparse_y_true = false and sparse_y_pred = false numbers from which argmax over `axis` makes them.

struct IoUOptions {
  int num_classes = 0;                         ///< must be given
  std::vector<int64_t> target_class_ids = {};  ///< the result is the mean over these classes
  std::optional<int64_t> ignore_class = {};    ///< elements of this label do not count
  bool sparse_y_true = true;
  bool sparse_y_pred = true;
  int axis = -1;
  std::string name = "iou";
};

/// The mean overlap of some classes.
class IoU : public Metric {
 public:
  TEMPO_API IoU(const IoUOptions& options);
  TEMPO_OPTIONS(IoU, IoUOptions);
};

struct MeanIoUOptions {
  int num_classes = 0;  ///< must be given
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_true = true;
  bool sparse_y_pred = true;
  int axis = -1;
  std::string name = "mean_iou";
};

/// The mean overlap of all classes.
class MeanIoU : public Metric {
 public:
  TEMPO_API MeanIoU(const MeanIoUOptions& options);
  TEMPO_OPTIONS(MeanIoU, MeanIoUOptions);
};

struct BinaryIoUOptions {
  std::vector<int64_t> target_class_ids = {0, 1};
  double threshold = 0.5;  ///< in [0, 1]; from it on y_pred says 1
  std::string name = "binary_iou";
};

/// The mean overlap of 0 and 1, or of one of them.
class BinaryIoU : public Metric {
 public:
  TEMPO_API BinaryIoU(const BinaryIoUOptions& options = {});
  TEMPO_OPTIONS(BinaryIoU, BinaryIoUOptions);
};

struct OneHotIoUOptions {
  int num_classes = 0;                         ///< must be given
  std::vector<int64_t> target_class_ids = {};  ///< the result is the mean over these classes
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_pred = false;
  int axis = -1;
  std::string name = "one_hot_iou";
};

/// IoU of one-hot labels.
class OneHotIoU : public Metric {
 public:
  TEMPO_API OneHotIoU(const OneHotIoUOptions& options);
  TEMPO_OPTIONS(OneHotIoU, OneHotIoUOptions);
};

struct OneHotMeanIoUOptions {
  int num_classes = 0;  ///< must be given
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_pred = false;
  int axis = -1;
  std::string name = "one_hot_mean_iou";
};

/// MeanIoU of one-hot labels.
class OneHotMeanIoU : public Metric {
 public:
  TEMPO_API OneHotMeanIoU(const OneHotMeanIoUOptions& options);
  TEMPO_OPTIONS(OneHotMeanIoU, OneHotMeanIoUOptions);
};

struct CorrelationOptions {
  int axis = -1;
  std::string name = "";  ///< empty: the name of its class, "pearson_correlation"
};

/// The correlation of y_true and y_pred along the axis (Pearson, 1895), from -1 to 1, as a mean
/// over the samples; 0 for a sample in which one of them is constant.
class PearsonCorrelation : public Metric {
 public:
  TEMPO_API PearsonCorrelation(const CorrelationOptions& options = {});
  TEMPO_OPTIONS(PearsonCorrelation, CorrelationOptions);
};

/// The same, but less if their means or spreads differ (Lin, 1989).
class ConcordanceCorrelation : public Metric {
 public:
  TEMPO_API ConcordanceCorrelation(const CorrelationOptions& options = {});
  TEMPO_OPTIONS(ConcordanceCorrelation, CorrelationOptions);
};

struct R2ScoreOptions {
  std::string class_aggregation = "uniform_average";  ///< or "variance_weighted_average"
  int num_regressors = 0;  ///< inputs of the model; above 0 the score is adjusted for their number
  std::string name = "r2_score";
};

/// 1 - sum((y_true - y_pred)^2) / sum((y_true - mean(y_true))^2) of [batch, outputs], as a mean
/// over the outputs, or one weighted by their variance: 1 is perfect, 0 is as good as the mean.
/// Adjusted for p regressors and n samples, if n is more than p + 1, it is 1 - (1 - score) (n - 1)
/// / (n - p - 1).
class R2Score : public Metric {
 public:
  TEMPO_API R2Score(const R2ScoreOptions& options = {});
  TEMPO_OPTIONS(R2Score, R2ScoreOptions);
};

}  // namespace tempo
