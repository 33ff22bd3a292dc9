// SPDX-License-Identifier: Apache-2.0
// Scores of decisions, class by class: the confusion matrix, precision, recall, F1.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

struct ConfusionMatrixOptions {
  int64_t num_classes = 0;  ///< 0: up to the largest class that occurs
};

/// The number of samples of class i that were predicted as class j, at [i, j]: int64 [classes,
/// classes]. Classes are whole numbers from 0, of any dtype, even bool: argmax(model.predict(x)),
/// or model.predict(x) > 0.5. An axis of 1 at the end makes no difference; elements that the mask
/// of y_pred leaves out do not count.
TEMPO_API Tensor confusion_matrix(const Tensor& y_true, const Tensor& y_pred,
                                  const ConfusionMatrixOptions& options = {});
TEMPO_OPTIONS(Tensor confusion_matrix, ConfusionMatrixOptions, const Tensor&, const Tensor&);

/// Scores of one class, or a mean over classes. A rate whose denominator is 0 is 0.
struct ClassScore {
  std::string name = {};
  double precision = 0;  ///< the share of predictions of this class that are right
  double recall = 0;     ///< the share of samples of this class that are found
  double f1 = 0;         ///< their harmonic mean
  int64_t support = 0;   ///< the number of samples of this class
};

/// Prints as the table of scikit-learn and seqeval.
struct ScoreReport {
  std::vector<ClassScore> classes = {};
  ClassScore micro = {};     ///< all counted together; the accuracy if each sample is of one class
  ClassScore macro = {};     ///< the mean over classes
  ClassScore weighted = {};  ///< the mean over classes, weighted by their support
  /// The scores of the class of this name; if there is none, an Error that lists the names.
  TEMPO_API const ClassScore& operator[](const std::string& name) const;
};
TEMPO_API std::ostream& operator<<(std::ostream& out, const ScoreReport& report);

struct ClassificationReportOptions {
  /// Of all classes, even those that do not occur; not given: "0", "1", ... of those that do.
  std::vector<std::string> target_names = {};
};

/// The scores of each class; the arguments are those of confusion_matrix.
TEMPO_API ScoreReport classification_report(const Tensor& y_true, const Tensor& y_pred,
                                            const ClassificationReportOptions& options = {});
TEMPO_OPTIONS(ScoreReport classification_report, ClassificationReportOptions, const Tensor&,
              const Tensor&);

}  // namespace tempo
