// SPDX-License-Identifier: Apache-2.0
// Counts the pairs of true and predicted class, and computes the scores that follow from them.
#include <algorithm>
#include <cmath>
#include <map>

#include <tempo/ops.hpp>

#include "training/metrics/score_report.hpp"

namespace tempo {

namespace {

Shape without_ones_at_the_end(Shape shape) {
  while (shape.rank() > 1 && shape.back() == 1) shape = Shape(shape.begin(), shape.end() - 1);
  return shape;
}

std::vector<int64_t> class_numbers(const std::string& who, const char* name, const Tensor& y,
                                   const std::vector<bool>& counts) {
  std::vector<int64_t> out;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!counts[i]) continue;
    const double value = y.element(static_cast<int64_t>(i));
    if (!(value >= 0 && value == std::floor(value) && value < 0x1p53))
      throw Error(who + ": " + name + " holds " + sdk::shortest(value) +
                  "; classes are whole numbers from 0.\n  Of scores, argmax(y_pred) or y_pred > "
                  "0.5 are the classes.");
    out.push_back(static_cast<int64_t>(value));
  }
  return out;
}

// Pairs of a true class and the predicted one.
struct Pairs {
  Pairs(const std::string& who, const Tensor& y_true, const Tensor& y_pred) {
    if (!y_true || !y_pred)
      throw Error(who + ": " + (y_true ? "y_pred" : "y_true") +
                  " was never given a value (it is Tensor{}).");
    if (without_ones_at_the_end(y_true.shape()) != without_ones_at_the_end(y_pred.shape()))
      throw ShapeError(who + ": y_true and y_pred hold different numbers of classes\n  y_true  " +
                       to_string(y_true.shape(), y_true.dtype()) + "\n  y_pred  " +
                       to_string(y_pred.shape(), y_pred.dtype()) +
                       "\n  Of scores [..., classes], argmax(y_pred) are the classes.");
    std::vector<bool> counts(static_cast<std::size_t>(y_pred.count()), true);
    if (const Tensor mask = mask_of(y_pred)) {
      if (mask.count() != y_pred.count())
        throw ShapeError(who + ": the mask of y_pred, " + to_string(mask.shape(), mask.dtype()) +
                         ", does not fit it, " + to_string(y_pred.shape(), y_pred.dtype()) + ".");
      for (std::size_t i = 0; i < counts.size(); ++i)
        counts[i] = mask.element(static_cast<int64_t>(i)) != 0;
    }
    there = class_numbers(who, "y_true", y_true, counts);
    said = class_numbers(who, "y_pred", y_pred, counts);
  }
  int64_t largest() const {
    int64_t most = -1;
    for (const auto* of : {&there, &said})
      for (const int64_t c : *of) most = std::max(most, c);
    return most;
  }

  std::vector<int64_t> there, said;
};

// The number of classes: `asked`, or, if that is 0, the number seen.
int64_t classes_of(const std::string& who, const Pairs& pairs, int64_t asked,
                   const std::string& option) {
  const int64_t seen = pairs.largest() + 1;
  if (asked == 0) return seen;
  if (asked < seen)
    throw Error(who + ": " + option + " says that there are " + std::to_string(asked) +
                " classes, numbered from 0, but there is a class " + std::to_string(seen - 1) +
                ".");
  return asked;
}

}  // namespace

Tensor confusion_matrix(const Tensor& y_true, const Tensor& y_pred,
                        const ConfusionMatrixOptions& options) {
  const Pairs pairs("confusion_matrix", y_true, y_pred);
  if (options.num_classes < 0)
    throw Error("confusion_matrix: num_classes is " + std::to_string(options.num_classes) +
                "; it must be at least 1, or 0 for as many as there are.");
  const int64_t n = classes_of("confusion_matrix", pairs, options.num_classes, "num_classes");
  const Tensor none = zeros({n, n}, int64);
  std::vector<int64_t> counts(none.data<int64_t>(), none.data<int64_t>() + none.count());
  for (std::size_t i = 0; i < pairs.there.size(); ++i)
    ++counts[static_cast<std::size_t>(pairs.there[i] * n + pairs.said[i])];
  return tensor(counts, none.shape());
}

ScoreReport classification_report(const Tensor& y_true, const Tensor& y_pred,
                                  const ClassificationReportOptions& options) {
  const Pairs pairs("classification_report", y_true, y_pred);
  const std::vector<std::string>& names = options.target_names;
  const auto named = static_cast<int64_t>(names.size());
  classes_of("classification_report", pairs, named, "target_names");
  // Without names, only classes that occur have a row: numbers may start at 1 and have gaps.
  std::map<int64_t, Decisions> counts;
  for (int64_t c = 0; c < named; ++c) counts[c] = {};
  for (std::size_t i = 0; i < pairs.there.size(); ++i) {
    Decisions& there = counts[pairs.there[i]];
    ++there.there;
    ++counts[pairs.said[i]].said;
    there.right += pairs.there[i] == pairs.said[i];
  }
  std::vector<std::pair<std::string, Decisions>> classes;
  for (const auto& [c, decisions] : counts)
    classes.emplace_back(names.empty() ? std::to_string(c) : names[static_cast<std::size_t>(c)],
                         decisions);
  return report_of(classes, "accuracy");
}

}  // namespace tempo
