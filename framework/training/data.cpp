// SPDX-License-Identifier: Apache-2.0
// Windows over series, splits, and mini-batches.
#include <tempo/data.hpp>
#include <tempo/ops.hpp>

#include "training/order.hpp"

namespace tempo {

namespace {

int64_t count_of(const char* who, const Tensor& t, const char* name) {
  if (!t)
    throw Error(std::string(who) + ": " + name + " was never given a value (it is Tensor{}).");
  if (t.rank() == 0)
    throw ShapeError(std::string(who) + ": " + name +
                     " is a scalar; samples lie along the first axis.");
  return t.shape().front();
}

void require_pair(const char* who, const Tensor& x, const Tensor& y) {
  if (count_of(who, x, "x") != count_of(who, y, "y"))
    throw ShapeError(std::string(who) + ": x and y hold different numbers of samples\n  x  " +
                     to_string(x.shape(), x.dtype()) + "\n  y  " + to_string(y.shape(), y.dtype()));
}

}  // namespace

Samples windows(const Tensor& series, const WindowOptions& options) {
  const int64_t n = count_of("windows", series, "series");
  const auto [steps, stride, horizon] = options;
  if (steps < 1 || stride < 1 || horizon < 1)
    throw Error("windows: steps, stride and horizon must be at least 1, got " +
                std::to_string(steps) + ", " + std::to_string(stride) + " and " +
                std::to_string(horizon) + ".");
  if (series.rank() > 2)
    throw ShapeError("windows: a series is [time] or [time, features], got " +
                     to_string(series.shape(), series.dtype()) + ".");
  if (steps > n || horizon > n - steps)  // their sum may be more than a number holds
    throw Error("windows: " + std::to_string(n) + " values are too few for windows of " +
                std::to_string(steps) + " and a horizon of " + std::to_string(horizon) +
                "; at least " +
                std::to_string(static_cast<uint64_t>(steps) + static_cast<uint64_t>(horizon)) +
                " are needed.");
  const int64_t count = (n - steps - horizon) / stride + 1;
  std::vector<int64_t> inputs, targets;
  try {
    inputs.reserve(static_cast<std::size_t>(count) * static_cast<std::size_t>(steps));
    targets.reserve(static_cast<std::size_t>(count));
  } catch (const std::exception&) {
    throw Error("windows: " + std::to_string(count) + " windows of " + std::to_string(steps) +
                " values are more than memory holds.\n  Set a larger stride, or make them batch by "
                "batch.");
  }
  for (int64_t window = 0; window < count; ++window) {
    const int64_t begin = window * stride;
    for (int64_t i = 0; i < steps; ++i) inputs.push_back(begin + i);
    targets.push_back(begin + steps + horizon - 1);
  }
  const Tensor rows = series.rank() == 1 ? expand_dims(series, -1) : series;
  return {gather(rows, tensor(inputs, {count, steps})), gather(rows, tensor(targets, {count}))};
}

Tensor samples(const Tensor& x, const std::vector<int64_t>& places) {
  const int64_t count = count_of("samples", x, "x");
  for (const int64_t place : places)
    if (place < -count || place >= count)
      throw Error("samples: there is no place " + std::to_string(place) + " in x, " +
                  to_string(x.shape(), x.dtype()) + ".\n  Its places are 0 to " +
                  std::to_string(count - 1) + "; negative ones count from the end.");
  const Tensor at = tensor(places, {static_cast<int64_t>(places.size())});
  const Tensor mask = mask_of(x);
  const Tensor picked = gather(x, at);
  return mask ? with_mask(picked, gather(mask, at)) : picked;
}

Batches::Batches(const Tensor& x, const Tensor& y, const BatchOptions& options)
    : x_(x), y_(y), options_(options) {
  require_pair("batches", x, y);
  count_ = x.shape().front();
  if (options.size < 1)
    throw Error("batches: size is " + std::to_string(options.size) + "; it must be at least 1.");
  if (count_ == 0) throw Error("batches: x and y hold no samples.");
}

Samples Batches::batch(int64_t at, const std::vector<int64_t>* order) const {
  const int64_t begin = at * options_.size, end = std::min(begin + options_.size, count_);
  return {part_of(x_, begin, end, order), part_of(y_, begin, end, order)};
}

std::shared_ptr<const std::vector<int64_t>> Batches::next_order() const {
  if (!options_.shuffle) return nullptr;
  return std::make_shared<std::vector<int64_t>>(shuffled(count_, options_.seed, pass_++));
}

SplitSamples train_validation_split(const Tensor& x, const Tensor& y, double share) {
  require_pair("train_validation_split", x, y);
  const int64_t n = x.shape().front(), at = split_point("train_validation_split: share", n, share);
  return {{part_of(x, 0, at), part_of(y, 0, at)}, {part_of(x, at, n), part_of(y, at, n)}};
}

}  // namespace tempo
