// SPDX-License-Identifier: Apache-2.0
// Finds labels that are missing, out of range, or no class.
#include "training/losses/labels.hpp"

#include <algorithm>
#include <cmath>

#include <tempo/number.hpp>

#include "tensor/array.hpp"

namespace tempo {

namespace {

constexpr double rounding = 1e-6;

const char* const fill_in =
    "Fill in missing labels, or leave their samples out: by a mask, or a sample_weight of 0";

// The shortest text that tells the value from its neighbours in this dtype.
std::string written(double value, DType dtype) {
  if (std::isnan(value)) return "NaN";
  return dtype == float32 ? sdk::shortest(static_cast<float>(value)) : sdk::shortest(value);
}

std::vector<int64_t> place_of(int64_t element, const Shape& shape) {
  std::vector<int64_t> place(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    place[static_cast<std::size_t>(axis)] = element % shape[axis];
    element /= shape[axis];
  }
  while (place.size() > 1 && shape[static_cast<int>(place.size()) - 1] == 1) place.pop_back();
  return place;
}

std::string text_of(const std::string& who, const std::string& y, const LabelError::Label& label) {
  std::string place;
  for (const int64_t index : label.place)
    place += (place.empty() ? "" : ", ") + std::to_string(index);
  return who + ": " + y + (place.empty() ? "" : "[" + place + "]") + " is " + label.value +
         "; it must be " + label.legal + ".\n  " + label.fix + ".";
}

// Counts without an early exit, so that the compiler can vectorise the loop.
template <class T, class Legal>
int64_t first_illegal(const T* labels, int64_t n, Legal legal) {
  int64_t illegal = 0;
  for (int64_t i = 0; i < n; ++i) illegal += !legal(labels[i]);
  return illegal == 0 ? -1 : std::find_if_not(labels, labels + n, legal) - labels;
}

// The index of the first label that is not legal, or -1.
template <class Legal>
int64_t first_illegal(const Tensor& labels, Legal legal) {
  const int64_t n = labels.count();
  return dispatch(labels.dtype(),
                  [&]<class T>(T) { return first_illegal(labels.data<T>(), n, legal); });
}

// Throws for the first label that is not legal; fix(value) says how to mend it.
template <class Legal, class Fix>
void require(const std::string& who, const Tensor& labels, const std::string& legal_ones,
             Legal legal, Fix fix) {
  if (!labels.has_value() || labels.count() == 0) return;
  const int64_t at = first_illegal(labels, legal);
  if (at < 0) return;
  const double value = labels.element(at);
  throw LabelError(who, {.value = written(value, labels.dtype()),
                         .place = place_of(at, labels.shape()),
                         .legal = legal_ones,
                         .fix = std::isnan(value) ? fill_in : fix(value)});
}

}  // namespace

LabelError::LabelError(const std::string& who, const Label& label)
    : Error(text_of(who, "y_true", label)), who_(who), label_(label) {}

std::string LabelError::text(const std::string& y, int64_t sample, int64_t step) const {
  Label label = label_;
  if (!label.place.empty()) label.place.front() = sample;
  if (label.place.size() > 1) label.place[1] += step;
  return text_of(who_, y, label);
}

ClassNumbers::ClassNumbers(const std::string& who, const Tensor& y_true, int64_t classes,
                           std::optional<int64_t> ignore_class, const Weighting& weighting)
    : labels(is_floating(y_true.dtype()) ? y_true : cast(y_true, int64)),
      kept(weighting.kept(y_true.shape())) {
  if (ignore_class) {
    not_ignored = not_equal(labels, static_cast<double>(*ignore_class));
    kept = kept ? logical_and(kept, not_ignored) : not_ignored;
  }
  labels = only(kept, labels);
  const auto legal = [classes](auto label) {
    if constexpr (std::is_floating_point_v<decltype(label)>)
      return label >= 0 && static_cast<double>(label) < static_cast<double>(classes) &&
             label == std::floor(label);
    else
      return static_cast<int64_t>(label) >= 0 && static_cast<int64_t>(label) < classes;
  };
  require(
      who, labels,
      "a class number, a whole number in [0, " + std::to_string(classes - 1) + "], as y_pred has " +
          std::to_string(classes) + " classes",
      legal, [](double label) -> std::string {
        if (label != std::floor(label))
          return "For a probability of each class use categorical_crossentropy, for numbers mse";
        return "Classes count from 0; a mask, a sample_weight of 0 or ignore_class leaves a "
               "sample out";
      });
  labels = cast(labels, int64);
}

Tensor class_ids(const std::string& who, const Tensor& y_true, const Weighting& weighting) {
  const Tensor labels = only(weighting.kept(y_true.shape()), y_true);
  require(
      who, labels, "a class number, a whole number of at least 0",
      [](auto label) {
        const auto value = static_cast<double>(label);
        return value >= 0 && value == std::floor(value) && std::isfinite(value);
      },
      [](double) -> std::string {
        return "Classes count from 0; a mask or a sample_weight of 0 leaves a sample out";
      });
  return labels;
}

Tensor label_rows(const std::string& who, const Tensor& y_true, int64_t classes, int64_t blank,
                  const Tensor& kept) {
  const auto filler = static_cast<double>(blank);
  const Tensor given = is_floating(y_true.dtype()) ? y_true : cast(y_true, int64);
  const Tensor rows = only(kept ? expand_dims(kept, -1) : kept, given, filler);
  const std::string fills = std::to_string(blank) + " (mask_index) or -1";
  require(
      who, rows,
      "a class number, a whole number in [0, " + std::to_string(classes - 1) + "], as y_pred has " +
          std::to_string(classes) + " classes",
      [classes](auto label) {
        const auto value = static_cast<double>(label);
        return value >= -1 && value < static_cast<double>(classes) && value == std::floor(value);
      },
      [&](double) { return "Fill rows up with " + fills + " behind their labels"; });
  const Tensor labels = cast(where(rows < 0, filler, rows), int64);
  if (!labels.has_value()) return labels;
  const int64_t length = labels.shape()[1];
  const auto* const first = labels.data<int64_t>();
  for (int64_t i = 1; i < labels.count(); ++i)
    if (i % length != 0 && first[i - 1] == blank && first[i] != blank)
      throw LabelError(who,
                       {.value = written(rows.element(i), rows.dtype()),
                        .place = place_of(i, labels.shape()),
                        .legal = fills + ", as what stands before it",
                        .fix = "Labels come first in a row, and what fills it up behind them"});
  return labels;
}

void require_classes(const std::string& who, const Tensor& y_pred, int axis,
                     const std::string& fix) {
  const Shape shape = y_pred.shape();
  const int at = axis < 0 ? axis + shape.rank() : axis;
  if (at < 0 || at >= shape.rank() || shape[at] != 1) return;
  throw ShapeError(who + ": y_pred is " + to_string(shape, y_pred.dtype()) +
                   ", with one class along "
                   "axis " +
                   std::to_string(at) + ", whose share is always the whole.\n  " + fix + ".");
}

void require_zeros_and_ones(const std::string& who, const Tensor& labels) {
  require(
      who, labels, "0 or 1", [](auto label) { return label == 0 || label == 1; },
      [](double label) -> std::string {
        if (label == -1) return "Make 0 of -1: (y + 1) / 2";
        if (label == std::floor(label))
          return "Several classes need as many units in the last layer";
        return "Only classes are right or wrong: watch binary_crossentropy for probabilities, mae "
               "for numbers";
      });
}

void require_probabilities(const std::string& who, const Tensor& labels) {
  require(
      who, labels, "0, 1 or a probability between them",
      [](auto label) {
        return static_cast<double>(label) >= -rounding &&
               static_cast<double>(label) <= 1 + rounding;
      },
      [](double label) -> std::string {
        if (label == -1) return "Make 0 of -1: (y + 1) / 2";
        if (label == std::floor(label))
          return "For class numbers use sparse_categorical_crossentropy, with a unit for each "
                 "class";
        return "For numbers use mse";
      });
}

void require_numbers(const std::string& who, const Tensor& labels) {
  if (!is_floating(labels.dtype())) return;
  require(
      who, labels, "a number", [](auto label) { return label == label; },
      [](double) -> std::string { return fill_in; });
}

}  // namespace tempo
