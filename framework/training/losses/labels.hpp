// SPDX-License-Identifier: Apache-2.0
// Checks of labels before a loss or a metric uses them. Each check throws the LabelError of the
// first bad label. Labels of a step that is being traced have no values, and are not checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "training/losses/reduction.hpp"

namespace tempo {

/// A label that was refused.
class LabelError : public Error {
 public:
  struct Label {
    std::string value;           ///< "NaN"
    std::vector<int64_t> place;  ///< in y_true
    std::string legal;           ///< what it was required to be
    std::string fix;
  };
  LabelError(const std::string& who, const Label& label);
  /// The error's text, for the place of `y` that holds this sample, whose steps begin with number
  /// `step`. Places of y_true count from the start of a batch.
  std::string text(const std::string& y, int64_t sample, int64_t step = 0) const;
  /// The first index of the label's place; 0 for a scalar.
  int64_t sample() const { return label_.place.empty() ? 0 : label_.place.front(); }

 private:
  std::string who_;
  Label label_;
};

/// Class numbers that can be used as indices.
struct ClassNumbers {
  /// Made from whole numbers in [0, classes), of any dtype. Labels that `weighting` leaves out, and
  /// those of the ignored class, may be anything.
  ClassNumbers(const std::string& who, const Tensor& y_true, int64_t classes,
               std::optional<int64_t> ignore_class, const Weighting& weighting);

  Tensor labels;       ///< int64, as y_true; 0 at labels that do not count
  Tensor not_ignored;  ///< bool, as y_true; Tensor{} if no class is ignored
  Tensor kept;         ///< bool, against y_true: true where a label counts; Tensor{} if all do
};

/// Labels that count, which must be whole numbers >= 0, as they are; 0 in place of the others.
Tensor class_ids(const std::string& who, const Tensor& y_true, const Weighting& weighting);

/// Rows of class numbers as int64, padded with `blank`: y_true [batch, length] holds whole numbers
/// in [0, classes), with `blank` or -1 after the last label of a row. Rows that `kept`, [batch] or
/// Tensor{}, leaves out may hold anything; they are empty in the result.
Tensor label_rows(const std::string& who, const Tensor& y_true, int64_t classes, int64_t blank,
                  const Tensor& kept);

/// Throws ShapeError for a y_pred with one class along the axis: its share is always 1, so that
/// nothing can be learnt or told apart. `fix` says how to mend it.
void require_classes(const std::string& who, const Tensor& y_pred, int axis,
                     const std::string& fix);
inline constexpr const char* one_class_loss =
    "For two classes the last layer has one unit with a sigmoid, and the loss is "
    "binary_crossentropy; or it has a unit for each class";
inline constexpr const char* one_class_metric =
    "For one unit with a sigmoid there is binary_accuracy; or the last layer has a unit for each "
    "class";

/// Throws if a label is neither 0 nor 1.
void require_zeros_and_ones(const std::string& who, const Tensor& labels);
/// Throws if a label is not in [0, 1], with a tolerance for rounding in float32.
void require_probabilities(const std::string& who, const Tensor& labels);
/// Throws if a label is NaN.
void require_numbers(const std::string& who, const Tensor& labels);

}  // namespace tempo
