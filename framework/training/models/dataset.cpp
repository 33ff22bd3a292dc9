// SPDX-License-Identifier: Apache-2.0
// Checks that the inputs, targets and weights of samples fit one another and the model.
#include "training/models/dataset.hpp"

#include <algorithm>
#include <cmath>

#include <tempo/data.hpp>

#include "plugin/layer.hpp"
#include "training/finite.hpp"
#include "training/models/kept_state.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

bool holds_stateful(const Layer& layer) {
  const std::vector<Layer>& children = layer.handle()->children;
  return is_stateful(layer) || std::any_of(children.begin(), children.end(), holds_stateful);
}

}  // namespace

namespace {

// For each sample of t: whether it is all 0.
std::vector<bool> all_zero(const Tensor& t) {
  const std::vector<double> values = t.to_vector();
  const auto count = static_cast<std::size_t>(t.shape()[0]), each = values.size() / count;
  std::vector<bool> zero(count, true);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != 0) zero[i / each] = false;
  return zero;
}

// For each sample: whether any x holds NaN or an infinite number.
std::vector<bool> spoilt(const Tensors& all, int64_t count) {
  std::vector<bool> bad(static_cast<std::size_t>(count), false);
  for (const Tensor& x : all) {
    if (is_finite(x)) continue;
    const std::vector<double> values = x.to_vector();
    const std::size_t each = values.size() / bad.size();
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i])) bad[i / each] = true;
  }
  return bad;
}

}  // namespace

Dataset finite_where_none_counts(const ModelState& model, const Dataset& batch) {
  if (!batch.weight || std::all_of(batch.x.begin(), batch.x.end(), is_finite)) return batch;
  if (!stateful_layer(model).empty()) return batch;
  const std::vector<bool> unweighted = all_zero(batch.weight);
  const std::vector<bool> bad = spoilt(batch.x, batch.count());
  const auto counts = std::find(unweighted.begin(), unweighted.end(), false);
  const bool none_counts = counts == unweighted.end();
  std::vector<int64_t> from;
  std::vector<bool> replaced;
  for (std::size_t i = 0; i < bad.size(); ++i) {
    replaced.push_back(unweighted[i] && bad[i]);
    from.push_back(replaced[i] && !none_counts ? counts - unweighted.begin()
                                               : static_cast<int64_t>(i));
  }
  if (std::find(replaced.begin(), replaced.end(), true) == replaced.end()) return batch;
  Dataset out = batch;
  out.replaced = tensor(replaced, {batch.count()}, bool_);
  for (Tensor& x : out.x) {
    if (!none_counts)
      x = samples(x, from);
    else if (is_floating(x.dtype()))
      x = with_mask(where(against(out.replaced, x), 0, x), mask_of(x));
  }
  return out;
}

Tensor against(const Tensor& of_samples, const Tensor& x) {
  Shape shape = of_samples.shape();
  while (shape.rank() < x.rank()) shape.push_back(1);
  return reshape(of_samples, shape);
}

void require_samples(const std::string& who, const Dataset& data, bool with_truth) {
  if (data.x.empty()) throw Error(who + ": no x was given.");
  std::vector<std::pair<std::string, Tensor>> all;
  for (std::size_t i = 0; i < data.x.size(); ++i)
    all.emplace_back(data.x.size() == 1 ? "x" : "x[" + std::to_string(i) + "]", data.x[i]);
  if (with_truth && data.y.empty()) all.emplace_back("y", Tensor{});
  for (std::size_t i = 0; i < data.y.size(); ++i)
    all.emplace_back(data.y.size() == 1 ? "y" : "y[" + std::to_string(i) + "]", data.y[i]);
  if (data.weight) all.emplace_back("sample_weight", data.weight);
  for (const auto& [name, t] : all) {
    const std::string subject = (who + ": ").append(name);
    if (!t) throw Error(subject + " was never given a value (it is Tensor{}).");
    if (t.rank() == 0)
      throw ShapeError(subject + " is a scalar; samples lie along the first axis.");
  }
  bool equal = true;
  std::string table;
  for (const auto& [name, t] : all) {
    equal = equal && t.shape().front() == data.count();
    std::string line = "\n  " + name;
    line.resize(std::max<std::size_t>(line.size() + 2, 18), ' ');
    table += line += to_string(t.shape(), t.dtype());
  }
  if (!equal)
    throw ShapeError(who + ": these hold different numbers of samples" + table +
                     "\n  Samples lie along the first axis, which must be equal.");
  if (data.count() == 0) throw Error(who + ": there are no samples" + table);
}

void require_batch_size(const std::string& who, int64_t size) {
  if (size < 1)
    throw Error(who + ": batch_size is " + std::to_string(size) + "; it must be at least 1.");
}

void require_steps(const std::string& who, int64_t steps_per_epoch) {
  if (steps_per_epoch < 0)
    throw Error(who + ": steps_per_epoch is " + std::to_string(steps_per_epoch) +
                "; it must be at least 1, or 0 for all batches.");
}

void require_in_memory(const std::string& who, const char* option, bool given,
                       const std::string& fix) {
  if (given)
    throw Error(who + ": " + option + " was given, which is of samples in memory, and these are " +
                "batches of a range.\n  " + fix);
}

std::string stateful_layer(const ModelState& model) {
  for (const Layer& layer : model.layers)
    if (holds_stateful(layer)) return layer.name();
  return "";
}

void require_even_batches(const std::string& who, const ModelState& model, int64_t count,
                          int64_t batch_size) {
  if (count <= batch_size || count % batch_size == 0) return;
  if (const std::string layer = stateful_layer(model); !layer.empty())
    throw Error(who + ": `" + layer + "` is stateful, and " + std::to_string(count) +
                " samples are not a multiple of batch_size " + std::to_string(batch_size) +
                ".\n  Leave out the last " + std::to_string(count % batch_size) +
                " samples, or set a batch_size that divides " + std::to_string(count) + ".");
}

void require_weights(const std::string& who, const Tensor& weight) {
  if (!weight || weight.count() == 0) return;
  if (!is_finite(weight))
    throw Error(who +
                ": sample_weight holds NaN or infinite numbers.\n  A sample that shall not "
                "count has the weight 0.");
  if (const double least = min(cast(weight, float64)).item(); least < 0)
    throw Error(who + ": sample_weight holds " + sdk::shortest(least) +
                "; weights are at least 0.\n  A loss of your own can turn the sign of a sample.");
}

}  // namespace tempo
