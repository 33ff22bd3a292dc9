// SPDX-License-Identifier: Apache-2.0
// Held-out samples: by place, at random, by class; and classes as rows.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <tempo/data.hpp>
#include <tempo/names.hpp>
#include <tempo/number.hpp>
#include <tempo/ops.hpp>

#include "training/data/order.hpp"
#include "training/finite.hpp"

namespace tempo {

namespace {

// The samples of each class (a value or row of y); classes are ordered by their first sample.
std::vector<std::vector<int64_t>> by_class(const std::string& who, const Tensor& y) {
  if (is_floating(y.dtype()) && !is_finite(y))
    throw Error(who +
                ": .stratify needs the class of each sample, and y holds NaN or infinite "
                "numbers.\n  Leave these samples out first.");
  const int64_t n = y.shape().front(), width = n > 0 ? y.count() / n : 0;
  std::map<std::vector<double>, std::size_t> classes;
  std::vector<std::vector<int64_t>> members;
  for (int64_t i = 0; i < n; ++i) {
    std::vector<double> row;
    for (int64_t j = 0; j < width; ++j) row.push_back(y.element(i * width + j));
    const auto [found, is_new] = classes.emplace(std::move(row), members.size());
    if (is_new) members.emplace_back();
    members[found->second].push_back(i);
  }
  return members;
}

// The number held out of each class: its share rounded down, plus the largest remainders.
std::vector<int64_t> held_out(const std::vector<std::vector<int64_t>>& classes, int64_t n,
                              int64_t test) {
  std::vector<int64_t> counts;
  std::vector<std::pair<double, std::size_t>> missed;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const double share =
        static_cast<double>(classes[c].size()) * static_cast<double>(test) / static_cast<double>(n);
    counts.push_back(static_cast<int64_t>(std::floor(share)));
    missed.emplace_back(std::floor(share) - share, c);
  }
  std::sort(missed.begin(), missed.end());
  const int64_t rest = test - std::accumulate(counts.begin(), counts.end(), int64_t{0});
  for (int64_t i = 0; i < rest; ++i) ++counts[missed[static_cast<std::size_t>(i)].second];
  return counts;
}

void require_classes(const std::string& who, const std::vector<std::vector<int64_t>>& classes,
                     int64_t train, int64_t test) {
  for (const auto& members : classes)
    if (members.size() < 2)
      throw Error(who + ": .stratify needs two samples of each class, and that of y[" +
                  std::to_string(members[0]) +
                  "] has one.\n  y holds class numbers or one-hot rows.");
  const auto count = static_cast<int64_t>(classes.size());
  if (count > std::min(train, test))
    throw Error(who + ": " + std::to_string(count) + " classes do not fit into parts of " +
                std::to_string(train) + " and " + std::to_string(test) + " samples.");
}

// All samples, the held-out ones first.
std::vector<int64_t> stratified(const std::string& who, const Tensor& y, int64_t n, int64_t test,
                                int64_t seed) {
  const auto classes = by_class(who, y);
  require_classes(who, classes, n - test, test);
  std::vector<int64_t> left = held_out(classes, n, test), first, last;
  std::vector<std::size_t> class_of(static_cast<std::size_t>(n));
  for (std::size_t c = 0; c < classes.size(); ++c)
    for (const int64_t i : classes[c]) class_of[static_cast<std::size_t>(i)] = c;
  for (const int64_t i : shuffled(n, seed, 0))
    (left[class_of[static_cast<std::size_t>(i)]]-- > 0 ? first : last).push_back(i);
  first.insert(first.end(), last.begin(), last.end());
  return first;
}

int64_t size_of_test(const std::string& who, int64_t n, double share) {
  const std::string name = who + ": test_size is " + sdk::shortest(share);
  if (!(share > 0 && share < 1)) throw Error(name + "; it must be strictly between 0 and 1.");
  const auto test = static_cast<int64_t>(std::ceil(static_cast<double>(n) * share));
  if (test > 0 && test < n) return test;
  throw Error(name + ", which leaves none of " + sdk::counted(n, "sample") + " for training.");
}

TrainTestPlaces places_of(const char* who, const Tensor& y, const TrainTestSplitOptions& o) {
  const int64_t n = count_of_samples(who, y, "y");
  const int64_t test = size_of_test(who, n, o.test_size), train = n - test;
  if (o.stratify && !o.shuffle)
    throw Error(std::string(who) +
                ": .stratify chooses by chance, and .shuffle = false keeps the order.");
  std::vector<int64_t> order(static_cast<std::size_t>(n));
  if (o.stratify)
    order = stratified(who, y, n, test, o.seed);
  else if (o.shuffle)
    order = shuffled(n, o.seed, 0);
  else
    for (int64_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = (train + i) % n;
  return {{order.begin() + test, order.end()}, {order.begin(), order.begin() + test}};
}

}  // namespace

TrainTestPlaces train_test_places(const Tensor& y, const TrainTestSplitOptions& options) {
  return places_of("train_test_places", y, options);
}

TrainTestSamples train_test_split(const Tensor& x, const Tensor& y,
                                  const TrainTestSplitOptions& options) {
  require_pair("train_test_split", x, y);
  const auto [train, test] = places_of("train_test_split", y, options);
  return {{samples(x, train), samples(y, train)}, {samples(x, test), samples(y, test)}};
}

SplitSamples train_validation_split(const Tensor& x, const Tensor& y, double share) {
  require_pair("train_validation_split", x, y);
  const int64_t n = x.shape().front(), at = split_point("train_validation_split: share", n, share);
  return {{part_of(x, 0, at), part_of(y, 0, at)}, {part_of(x, at, n), part_of(y, at, n)}};
}

Tensor to_categorical(const Tensor& y, int64_t num_classes, DType dtype) {
  if (!y) throw Error("to_categorical: y was never given a value (it is Tensor{}).");
  if (num_classes < 0)
    throw Error("to_categorical: num_classes is " + std::to_string(num_classes) +
                "; it must be at least 1, or 0 for one more than the largest number.");
  int64_t largest = -1;
  for (int64_t i = 0; i < y.count(); ++i) {
    const double label = y.element(i);
    const bool is_class = label >= 0 && label == std::floor(label) && label < 0x1p31;
    if (!is_class || (num_classes > 0 && label >= static_cast<double>(num_classes)))
      throw Error("to_categorical: element " + std::to_string(i) + " of y is " +
                  sdk::shortest(label) + "; a class is a whole number from 0" +
                  (num_classes > 0 ? " to " + std::to_string(num_classes - 1) : "") + ".");
    largest = std::max(largest, static_cast<int64_t>(label));
  }
  if (num_classes == 0 && largest < 0)
    throw Error("to_categorical: of a y without elements num_classes must be given, at least 1.");
  const Tensor labels = cast(y, int64);
  const bool column = y.rank() > 1 && y.shape()[-1] == 1;
  return one_hot(column ? squeeze(labels, -1) : labels, num_classes > 0 ? num_classes : largest + 1,
                 dtype);
}

}  // namespace tempo
