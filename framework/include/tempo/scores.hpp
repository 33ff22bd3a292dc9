// SPDX-License-Identifier: Apache-2.0
// How good decisions were, class by class: which was taken for which, precision, recall, F1.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

struct ConfusionMatrixOptions {
  int64_t num_classes = 0;  ///< 0: up to the largest class that is there
};

/// How many samples of class i were taken for class j, at [i, j]: int64 [classes, classes]. Classes
/// are whole numbers from 0, of any dtype, bool as well: argmax(model.predict(x)), or
/// model.predict(x) > 0.5. An axis of 1 at the end makes no difference; what the mask of y_pred
/// leaves out does not count.
TEMPO_API Tensor confusion_matrix(const Tensor& y_true, const Tensor& y_pred,
                                  const ConfusionMatrixOptions& options = {});
TEMPO_OPTIONS(Tensor confusion_matrix, ConfusionMatrixOptions, const Tensor&, const Tensor&);

/// Of one class, or a mean over classes. A rate of which nothing was counted is 0.
struct ClassScore {
  std::string name = {};
  double precision = 0;  ///< the share of what was said to be of it that is
  double recall = 0;     ///< the share of what is of it that was said to be
  double f1 = 0;         ///< their harmonic mean
  int64_t support = 0;   ///< how many there are
};

/// Prints as the table of scikit-learn and seqeval.
struct ScoreReport {
  std::vector<ClassScore> classes = {};
  ClassScore micro = {};  ///< all counted together; where each sample is of one class, the accuracy
  ClassScore macro = {};  ///< the mean over classes
  ClassScore weighted = {};  ///< the mean over classes, by their support
  /// That of the class of this name; an Error that lists the names where there is none.
  TEMPO_API const ClassScore& operator[](const std::string& name) const;
};
TEMPO_API std::ostream& operator<<(std::ostream& out, const ScoreReport& report);

struct ClassificationReportOptions {
  /// Of all classes, also of those that do not come; not given: "0", "1", ... of those that do.
  std::vector<std::string> target_names = {};
};

/// The scores of each class, from what confusion_matrix takes.
TEMPO_API ScoreReport classification_report(const Tensor& y_true, const Tensor& y_pred,
                                            const ClassificationReportOptions& options = {});
TEMPO_OPTIONS(ScoreReport classification_report, ClassificationReportOptions, const Tensor&,
              const Tensor&);

}  // namespace tempo
