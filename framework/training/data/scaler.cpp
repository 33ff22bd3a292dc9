// SPDX-License-Identifier: Apache-2.0
// Scalers compute in float64, so that a column far from 0 keeps its digits.
#include <cmath>

#include <tempo/ops.hpp>
#include <tempo/scaler.hpp>

#include "training/finite.hpp"
#include "training/losses/floating.hpp"

namespace tempo {

namespace {

int64_t columns_in(const Tensor& x) { return x.rank() < 2 ? 1 : x.shape()[-1]; }

}  // namespace

// --- Shared by all scalers -----------------------------------------------------------------------

void Scaler::require_fitted(const char* what) const {
  if (!centre_)
    throw Error(std::string(name_) + ": " + what + " before fit: it knows no column yet.\n  " +
                "scaler.fit(train) on the training part alone, or set_values.");
}

void Scaler::require_columns(const Tensor& x, int64_t columns) const {
  if (!x) throw Error(std::string(name_) + ": x was never given a value (it is Tensor{}).");
  if (columns_in(x) != columns)
    throw ShapeError(std::string(name_) + ": it knows " + std::to_string(columns) +
                     " columns, and x is " + to_string(x.shape(), x.dtype()) +
                     ".\n  inverse_transform(z, {0}) says that z is column 0.");
}

Tensor Scaler::columns_of(const Tensor& x) const {
  if (!x) throw Error(std::string(name_) + ": x was never given a value (it is Tensor{}).");
  if (x.count() == 0)
    throw Error(std::string(name_) + ": there is nothing to fit to in " +
                to_string(x.shape(), x.dtype()) + ".");
  if (!is_finite(x))
    throw Error(std::string(name_) +
                ": x holds NaN or infinite numbers.\n  A table's forward_fill or without_missing "
                "leaves no missing ones.");
  return reshape(cast(x, float64), {-1, columns_in(x)});
}

Tensor Scaler::transform(const Tensor& x) const {
  require_fitted("transform");
  require_columns(x, centre_.count());
  return cast((cast(x, float64) - centre_) / width_, floating_of(x));
}

Tensor Scaler::inverse_transform(const Tensor& z, const std::vector<int64_t>& columns) const {
  require_fitted("inverse_transform");
  const auto count = static_cast<int64_t>(columns.size());
  std::vector<int64_t> places;
  for (const int64_t column : columns) {
    places.push_back(column < 0 ? column + centre_.count() : column);
    if (places.back() < 0 || places.back() >= centre_.count())
      throw Error(std::string(name_) + ": there is no column " + std::to_string(column) +
                  "; it knows " + std::to_string(centre_.count()) + ", counted from 0.");
  }
  require_columns(z, columns.empty() ? centre_.count() : count);
  const auto of = [&](const Tensor& all) {
    return columns.empty() ? all : gather(all, tensor(places, {count}));
  };
  return cast(cast(z, float64) * of(width_) + of(centre_), floating_of(z));
}

std::map<std::string, Tensor> Scaler::values() const {
  require_fitted("values");
  return {{"centre", centre_}, {"width", width_}};
}

void Scaler::set_values(const std::map<std::string, Tensor>& values) {
  const auto value = [&](const char* key) {
    const auto found = values.find(key);
    if (found == values.end())
      throw Error(std::string(name_) + ": set_values: there is no \"" + key +
                  "\"; scaler.values() has \"centre\" and \"width\".");
    if (found->second.rank() != 1)
      throw ShapeError(std::string(name_) + ": set_values: \"" + key + "\" is " +
                       to_string(found->second.shape(), found->second.dtype()) +
                       "; it must be [columns].");
    return cast(found->second, float64);
  };
  const Tensor centre = value("centre"), width = value("width");
  if (centre.count() != width.count())
    throw ShapeError(std::string(name_) + ": set_values: \"centre\" has " +
                     std::to_string(centre.count()) + " columns and \"width\" " +
                     std::to_string(width.count()) + ".");
  if (!is_finite(centre) || !is_finite(width) || !(min(width).item() > 0))
    throw Error(std::string(name_) +
                ": set_values: \"centre\" must hold finite numbers, and \"width\" such above 0.\n  "
                "They are what values() gave of a scaler after fit.");
  centre_ = centre;
  width_ = width;
}

// --- Each scaler ---------------------------------------------------------------------------------

MinMaxScaler::MinMaxScaler(const MinMaxScalerOptions& options)
    : Scaler("MinMaxScaler"), options_(options) {
  if (!(options.low < options.high) || !std::isfinite(options.high - options.low))
    throw Error("MinMaxScaler: low is " + sdk::shortest(options.low) + " and high " +
                sdk::shortest(options.high) + "; low must lie below high.");
}

MinMaxScaler& MinMaxScaler::fit(const Tensor& x) {
  const Tensor columns = columns_of(x);
  const Tensor lowest = min(columns, 0), range = max(columns, 0) - lowest;
  width_ = where(range > 0, range, 1) / (options_.high - options_.low);
  centre_ = lowest - options_.low * width_;
  return *this;
}

StandardScaler::StandardScaler(const StandardScalerOptions& options)
    : Scaler("StandardScaler"), options_(options) {}

StandardScaler& StandardScaler::fit(const Tensor& x) {
  const Tensor columns = columns_of(x), centre = mean(columns, 0),
               deviation = sqrt(mean(square(columns - centre), 0));
  // A column of one number: its deviation from the computed mean is rounding of float64 alone.
  constexpr double epsilon = 2.3e-16;
  const double rows = static_cast<double>(columns.shape()[0]);
  const Tensor constant = deviation <= rows * epsilon * abs(centre);
  width_ = options_.with_std ? where(constant, 1, deviation) : ones_like(deviation);
  centre_ = options_.with_mean ? centre : zeros_like(centre);
  return *this;
}

}  // namespace tempo
