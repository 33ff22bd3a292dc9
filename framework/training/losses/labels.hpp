// SPDX-License-Identifier: Apache-2.0
// Labels that a loss or a metric cannot take, found before they are used. Each of these throws the
// LabelError of the first one; labels of a step that is being traced have no values to look at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "training/losses/reduction.hpp"

namespace tempo {

/// A label that is refused.
class LabelError : public Error {
 public:
  struct Label {
    std::string value;           ///< "NaN"
    std::vector<int64_t> place;  ///< in y_true
    std::string legal;           ///< what it must be
    std::string fix;
  };
  LabelError(const std::string& who, const Label& label);
  /// Its text, for a place of `y` that holds this sample, whose steps begin with number `step`;
  /// places of y_true count from the start of a batch.
  std::string text(const std::string& y, int64_t sample, int64_t step = 0) const;
  /// The first index of its place; 0 for a label without axes.
  int64_t sample() const { return label_.place.empty() ? 0 : label_.place.front(); }

 private:
  std::string who_;
  Label label_;
};

/// Class numbers to index with.
struct ClassNumbers {
  /// From whole numbers in [0, classes), of any dtype; those that `weighting` leaves out and those
  /// of the ignored class may be anything.
  ClassNumbers(const std::string& who, const Tensor& y_true, int64_t classes,
               std::optional<int64_t> ignore_class, const Weighting& weighting);

  Tensor labels;       ///< int64, as y_true; 0 where one does not count
  Tensor not_ignored;  ///< bool, as y_true; Tensor{} where no class is ignored
  Tensor kept;         ///< bool, against y_true: which count; Tensor{} where all do
};

/// Labels as they are, of whole numbers of at least 0 where they count; 0 elsewhere.
Tensor class_ids(const std::string& who, const Tensor& y_true, const Weighting& weighting);

/// Rows of class numbers, as int64 with `blank` after them: y_true [batch, length] of whole
/// numbers in [0, classes), of any dtype, with `blank` or -1 after the last one of a row. Rows
/// that are not kept, by `kept` [batch] or Tensor{}, are empty and may hold anything.
Tensor label_rows(const std::string& who, const Tensor& y_true, int64_t classes, int64_t blank,
                  const Tensor& kept);

/// Throws ShapeError for a y_pred with one class along the axis: its share is always 1, and nothing
/// can be learnt or told apart. `fix` is the way out.
void require_classes(const std::string& who, const Tensor& y_pred, int axis,
                     const std::string& fix);
inline constexpr const char* one_class_loss =
    "For two classes the last layer has one unit with a sigmoid, and the loss is "
    "binary_crossentropy; or it has a unit for each class";
inline constexpr const char* one_class_metric =
    "For one unit with a sigmoid there is binary_accuracy; or the last layer has a unit for each "
    "class";

/// 0 and 1.
void require_zeros_and_ones(const std::string& who, const Tensor& labels);
/// From 0 to 1, give or take what float32 rounds.
void require_probabilities(const std::string& who, const Tensor& labels);
/// Not NaN.
void require_numbers(const std::string& who, const Tensor& labels);

}  // namespace tempo
