// SPDX-License-Identifier: Apache-2.0
// Windows over series: the places where they begin, and the places of their targets.
#include <algorithm>

#include <tempo/data.hpp>
#include <tempo/ops.hpp>

#include "training/data/order.hpp"

namespace tempo {

namespace {

std::vector<int64_t> horizons_of(const WindowOptions& o) {
  if (o.horizons.empty()) return {o.horizon};
  if (o.horizon != 1)
    throw Error("windows: both .horizon and .horizons were given; .horizons holds all of them.");
  return o.horizons;
}

void require_positive(const WindowOptions& o, const std::vector<int64_t>& horizons) {
  const int64_t nearest = *std::min_element(horizons.begin(), horizons.end());
  if (o.steps < 1 || o.stride < 1 || nearest < 1)
    throw Error("windows: steps, stride and horizon must be at least 1, got " +
                std::to_string(o.steps) + ", " + std::to_string(o.stride) + " and " +
                std::to_string(nearest) + ".");
}

Tensor rows_at(const Tensor& rows, int64_t count, int64_t stride, int64_t length,
               const std::vector<int64_t>& offsets) {
  std::vector<int64_t> places;
  try {
    places.reserve(static_cast<std::size_t>(count) * offsets.size());
  } catch (const std::exception&) {
    throw Error("windows: " + std::to_string(count) + " windows of " + std::to_string(length) +
                " values are more than memory holds.\n  Set a larger stride, or make them batch by "
                "batch.");
  }
  for (int64_t window = 0; window < count; ++window)
    for (const int64_t offset : offsets) places.push_back(window * stride + offset);
  return gather(rows, tensor(places, {count, static_cast<int64_t>(offsets.size())}));
}

// The columns that are to be predicted, side by side.
Tensor targets_of(const Tensor& rows, const std::vector<int64_t>& targets) {
  const int64_t features = rows.shape()[1];
  Tensors columns;
  for (const int64_t target : targets) {
    const int64_t column = target < 0 ? target + features : target;
    if (column < 0 || column >= features)
      throw Error("windows: there is no column " + std::to_string(target) +
                  " for .targets; the series has " + std::to_string(features) +
                  ", counted from 0.");
    columns.push_back(slice(rows, 1, column, column + 1));
  }
  return columns.empty() ? rows : concat(columns, 1);
}

}  // namespace

Samples windows(const Tensor& series, const WindowOptions& options) {
  const int64_t n = count_of_samples("windows", series, "series");
  const std::vector<int64_t> horizons = horizons_of(options);
  require_positive(options, horizons);
  if (series.rank() > 2)
    throw ShapeError("windows: a series is [time] or [time, features], got " +
                     to_string(series.shape(), series.dtype()) + ".");
  const int64_t steps = options.steps,
                farthest = *std::max_element(horizons.begin(), horizons.end());
  if (steps > n || farthest > n - steps)  // their sum could overflow
    throw Error("windows: " + std::to_string(n) + " values are too few for windows of " +
                std::to_string(steps) + " and a horizon of " + std::to_string(farthest) +
                "; at least " +
                std::to_string(static_cast<uint64_t>(steps) + static_cast<uint64_t>(farthest)) +
                " are needed.");
  const int64_t count = (n - steps - farthest) / options.stride + 1;
  const Tensor rows = series.rank() == 1 ? expand_dims(series, -1) : series;
  std::vector<int64_t> inputs, targets;
  for (int64_t i = 0; i < steps; ++i) inputs.push_back(i);
  for (const int64_t horizon : horizons) targets.push_back(steps + horizon - 1);
  const Tensor x = rows_at(rows, count, options.stride, steps, inputs);
  const Tensor y =
      rows_at(targets_of(rows, options.targets), count, options.stride, steps, targets);
  return {x, options.horizons.empty() ? squeeze(y, 1) : y};
}

}  // namespace tempo
