// SPDX-License-Identifier: Apache-2.0
// Decisions at thresholds, counted: the base of precision, recall, areas under curves.
#pragma once

#include "training/metrics/metric_state.hpp"

namespace tempo {

/// Total weights of right and wrong decisions at one threshold.
struct Counts {
  double tp = 0, fp = 0, tn = 0, fn = 0;
};

/// a / b; 0 if b is 0.
inline double ratio(double a, double b) { return b == 0 ? 0 : a / b; }
inline double precision_of(const Counts& n) { return ratio(n.tp, n.tp + n.fp); }
inline double recall_of(const Counts& n) { return ratio(n.tp, n.tp + n.fn); }
inline double specificity_of(const Counts& n) { return ratio(n.tn, n.tn + n.fp); }

/// n thresholds, evenly spaced from 0 to 1, but the first a little below 0, the last above 1.
std::vector<double> spread_thresholds(int n);

/// The thresholds rounded to the dtype of y_pred: a float32 0.6 is not above 0.6.
std::vector<double> thresholds_in(DType dtype, std::vector<double> thresholds);

/// The way in which y_pred becomes decisions.
struct Decision {
  std::vector<double> thresholds = {0.5};  ///< in rising order; y_pred above one of them says 1
  int top_k = 0;                           ///< if > 0: only the k largest of each sample may say 1
  std::optional<int64_t> class_id = {};    ///< if set: only this index of the last axis counts
  bool from_logits = false;
  bool probabilities = false;  ///< y_pred must lie in [0, 1]
  bool multi_label = false;    ///< each index of the last axis is counted by itself
  int num_labels = 0;          ///< the required number of labels; 0: any
  std::vector<double> label_weights = {};
};

struct ConfusionMetric : MetricState {
  void add(const Tensor& y_true, const Tensor& y_pred, const Weighting& given) final;
  double result() const final;
  void reset() final;

 protected:
  /// One number for each threshold: `value` of its counts.
  std::vector<double> result_of_each() const;
  void decide(Decision how);
  /// The counts of a label, at each threshold.
  std::vector<Counts> counts(std::size_t label) const;
  virtual double value(const std::vector<Counts>& counts) const = 0;

 private:
  std::size_t steps() const { return how_.thresholds.size() + 1; }
  void take_labels(std::size_t count);
  void keep_largest(std::vector<double>& p, std::size_t classes) const;

  Decision how_;
  std::size_t labels_ = 1;
  // For each label, indexed by the number of thresholds below a prediction: y_true of 1, and of 0.
  std::vector<double> positive_, negative_;
  bool nan_ = false;  // whether a prediction that counts was NaN
};

}  // namespace tempo
