// SPDX-License-Identifier: Apache-2.0
// Finds the class of each sample and the weight of that class.
#include "training/batches/class_weight.hpp"

#include <cmath>

#include <tempo/number.hpp>
#include <tempo/ops.hpp>

namespace tempo {

namespace {

bool is_one_hot(const Tensor& y) {
  const Tensor t = cast(y, float64);
  const Tensor zeros_and_ones = logical_or(equal(t, 0), equal(t, 1));
  return min(cast(zeros_and_ones, int32)).item() == 1 && max(abs(sum(t, -1) - 1)).item() == 0;
}

[[noreturn]] void refuse(const std::string& who, const std::string& what, const std::string& fix) {
  throw Error(who + ": class_weight was given, and " + what + ".\n  " + fix);
}

}  // namespace

void no_class_found(const std::string& who) {
  refuse(who, "y holds none of its classes",
         "Its keys are the class numbers: .class_weight = {{0, 1}, {1, 5}}.");
}

Tensor sample_weight_of(const std::string& who, const Dataset& samples, const ClassWeight& weights,
                        bool* found) {
  if (samples.weight)
    refuse(who, "sample_weight, too",
           "Give one of them; a sample_weight can be made of both, by multiplication.");
  if (samples.y.size() != 1)
    refuse(who, "y has " + std::to_string(samples.y.size()) + " tensors",
           "Classes are of one output; give sample_weight, or the losses other loss_weights.");
  for (const auto& [number, weight] : weights)
    if (!(weight >= 0) || std::isinf(weight))
      throw Error(who + ": class_weight of class " + std::to_string(number) + " is " +
                  sdk::shortest(weight) + "; weights are numbers of at least 0.");
  const Tensor& y = samples.y[0];
  const bool column = y.rank() == 2 && y.shape().back() == 1;
  const bool one_hot = y.rank() == 2 && !column && y.count() > 0 && is_one_hot(y);
  if (y.rank() != 1 && !column && !one_hot)
    refuse(who, "y is " + to_string(y.shape(), y.dtype()) + " and no class of each sample",
           "It takes class numbers, [n] or [n, 1], or one-hot labels, [n, classes]; for a class at "
           "each step give sample_weight, [n, time].");
  const std::vector<double> labels =
      (one_hot ? cast(argmax(y, -1), float64) : cast(reshape(y, {-1}), float64)).to_vector();
  std::vector<double> of_samples;
  bool any = false;
  for (const double label : labels) {
    const bool is_class = sdk::holds(int64, label);
    if (!is_class && std::isfinite(label))
      refuse(who, "y holds " + sdk::shortest(label) + ", which is no class number",
             "Classes are whole numbers; for probabilities and other numbers give sample_weight.");
    const auto weight = is_class ? weights.find(static_cast<int64_t>(label)) : weights.end();
    any = any || weight != weights.end();
    of_samples.push_back(weight == weights.end() ? 1 : weight->second);
  }
  if (!any && !found) no_class_found(who);
  if (found) *found |= any;
  return cast(tensor(of_samples, {static_cast<int64_t>(of_samples.size())}, float64),
              default_dtype());
}

}  // namespace tempo
