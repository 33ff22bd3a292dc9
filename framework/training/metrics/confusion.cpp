// SPDX-License-Identifier: Apache-2.0
// Counts of right and wrong decisions at thresholds, which precision, recall and the curves share.
#include "training/metrics/confusion.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace tempo {

std::vector<double> spread_thresholds(int n) {
  std::vector<double> all;
  for (int i = 0; i < n; ++i) all.push_back(static_cast<double>(i) / (n - 1));
  all.front() = -1e-7;
  all.back() = 1 + 1e-7;
  return all;
}

std::vector<double> thresholds_in(DType dtype, std::vector<double> thresholds) {
  if (dtype == float32)
    for (double& t : thresholds) t = static_cast<float>(t);
  return thresholds;
}

void ConfusionMetric::decide(Decision how) {
  how_ = std::move(how);
  reset();
}

void ConfusionMetric::reset() {
  labels_ = 1;
  positive_.assign(steps(), 0);
  negative_ = positive_;
  nan_ = false;
}

void ConfusionMetric::take_labels(std::size_t count) {
  const std::size_t weights = how_.label_weights.size();
  if (weights > 0 && weights != count)
    throw Error(name + ": there are " + std::to_string(weights) +
                " label_weights, and y_pred has " + std::to_string(count) + " labels.");
  if (how_.num_labels > 0 && static_cast<std::size_t>(how_.num_labels) != count)
    throw ShapeError(name + ": num_labels is " + std::to_string(how_.num_labels) +
                     ", and y_pred has " + std::to_string(count) + " labels.");
  if (count == labels_) return;
  const bool seen =
      std::any_of(positive_.begin(), positive_.end(), [](double n) { return n > 0; }) ||
      std::any_of(negative_.begin(), negative_.end(), [](double n) { return n > 0; });
  if (seen)
    throw ShapeError(name + ": y_pred has " + std::to_string(count) + " labels, and had " +
                     std::to_string(labels_) + " before.");
  labels_ = count;
  positive_.assign(count * steps(), 0);
  negative_ = positive_;
}

// Of equal predictions the first counts as the larger. A NaN makes the order of the sample unknown.
void ConfusionMetric::keep_largest(std::vector<double>& p, std::size_t classes) const {
  const std::size_t k = std::min(classes, static_cast<std::size_t>(how_.top_k));
  std::vector<std::size_t> order(classes);
  for (std::size_t row = 0; row + classes <= p.size(); row += classes) {
    const auto first = p.begin() + static_cast<std::ptrdiff_t>(row),
               end = first + static_cast<std::ptrdiff_t>(classes);
    if (std::any_of(first, end, [](double x) { return std::isnan(x); })) {
      std::fill(first, end, std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    std::iota(order.begin(), order.end(), row);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
    for (std::size_t i = k; i < classes; ++i) p[order[i]] = -HUGE_VAL;
  }
}

void ConfusionMetric::add(const Tensor& y_true, const Tensor& y_pred, const Weighting& given) {
  auto [t, p] = aligned(y_true, y_pred);
  const Shape shape = p.shape();
  if (t.shape() != shape) shapes_differ(name, y_true, y_pred, one_for_each);
  const Tensor kept = given.kept(shape), factors = given.factors(shape, float64);
  t = only(kept, t);
  require_zeros_and_ones(name, t);
  p = only(kept, cast(p, float64), neutral_prediction);
  if (how_.from_logits) p = sigmoid(p);
  const auto classes = static_cast<std::size_t>(shape.empty() ? 1 : shape.back());
  if (how_.class_id && (*how_.class_id < 0 || *how_.class_id >= static_cast<int64_t>(classes)))
    throw Error(name + ": class_id is " + std::to_string(*how_.class_id) +
                ", and y_pred has the classes 0 to " + std::to_string(classes - 1) + ".");
  if (how_.multi_label) take_labels(classes);
  std::vector<double> said = p.to_vector();
  const std::vector<double> label = cast(t, float64).to_vector();
  const std::vector<double> weight =
      factors ? broadcast_to(factors, shape).to_vector() : std::vector<double>(said.size(), 1);
  for (const double x : said)
    if (how_.probabilities && !(std::isnan(x) || (x >= 0 && x <= 1)))
      throw Error(name + ": a prediction is " + sdk::shortest(x) +
                  "; it must be a probability, in [0, 1].\n  The last layer needs a sigmoid, or "
                  "the metric from_logits=true where it has that.");
  if (how_.top_k > 0) keep_largest(said, classes);
  const std::vector<double> all = thresholds_in(y_pred.dtype(), how_.thresholds);
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (weight[i] == 0 || (how_.class_id && static_cast<int64_t>(i % classes) != *how_.class_id))
      continue;
    nan_ = nan_ || std::isnan(said[i]);
    const auto below = std::lower_bound(all.begin(), all.end(), said[i]) - all.begin();
    const std::size_t of = how_.multi_label ? i % classes : 0;
    (label[i] != 0 ? positive_ : negative_)[of * steps() + static_cast<std::size_t>(below)] +=
        weight[i];
  }
}

std::vector<Counts> ConfusionMetric::counts(std::size_t label) const {
  std::vector<Counts> out(how_.thresholds.size());
  const auto begin = static_cast<std::ptrdiff_t>(label * steps());
  const auto sum = [begin](const std::vector<double>& v, std::size_t from, std::size_t to) {
    return std::accumulate(v.begin() + begin + static_cast<std::ptrdiff_t>(from),
                           v.begin() + begin + static_cast<std::ptrdiff_t>(to), 0.0);
  };
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = {.tp = sum(positive_, i + 1, steps()),
              .fp = sum(negative_, i + 1, steps()),
              .tn = sum(negative_, 0, i + 1),
              .fn = sum(positive_, 0, i + 1)};
  return out;
}

std::vector<double> ConfusionMetric::result_of_each() const {
  std::vector<double> all;
  for (const Counts& at : counts(0))
    all.push_back(nan_ ? std::numeric_limits<double>::quiet_NaN() : value({at}));
  return all;
}

double ConfusionMetric::result() const {
  if (nan_) return std::numeric_limits<double>::quiet_NaN();
  double total = 0, weights = 0;
  for (std::size_t label = 0; label < labels_; ++label) {
    const double weight = how_.label_weights.empty() ? 1 : how_.label_weights[label];
    total += weight * value(counts(label));
    weights += weight;
  }
  return how_.multi_label ? ratio(total, weights) : total;
}

}  // namespace tempo
