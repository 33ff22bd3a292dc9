// SPDX-License-Identifier: Apache-2.0
// Reads numbers from JSON and compares tensors with them.
#include "numbers.hpp"

#include <algorithm>
#include <cmath>

using namespace tempo;

namespace {

struct Numbers {
  Shape shape;
  std::vector<double> data;
};

double number(const Json& json) {
  if (json.is_boolean()) return json.get<bool>() ? 1 : 0;
  if (json.is_string()) return std::stod(json.get<std::string>());  // "nan", "inf"
  return json.get<double>();
}

void flatten(const Json& json, int depth, Numbers& out) {
  if (!json.is_array()) {
    out.data.push_back(number(json));
    return;
  }
  if (out.shape.rank() == depth) out.shape.push_back(static_cast<int64_t>(json.size()));
  for (const Json& part : json) flatten(part, depth + 1, out);
}

Numbers numbers(const Json& json) {
  Numbers out;
  if (json.is_object()) {
    flatten(json.at("data"), 0, out);
    out.shape = Shape(json.at("shape").get<std::vector<int64_t>>());
  } else {
    flatten(json, 0, out);
  }
  if (out.shape.count() != static_cast<int64_t>(out.data.size()))
    throw std::runtime_error("the file has " + std::to_string(out.data.size()) + " numbers for " +
                             to_string(out.shape));
  return out;
}

std::string precise(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

void compare_numbers(const std::string& what, const Tensor& got, const Numbers& expected,
                     const std::function<double(double)>& allowed) {
  if (got.shape() != expected.shape)
    throw Mismatch(what + " is " + to_string(got.shape(), got.dtype()) + ", expected " +
                   to_string(expected.shape));
  const std::vector<double> values = got.to_vector();
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double difference = std::abs(values[i] - expected.data[i]);
    const double excess = std::isnan(values[i]) != std::isnan(expected.data[i])
                              ? HUGE_VAL
                              : difference / allowed(expected.data[i]);
    if (excess > worst) {
      worst = excess;
      at = i;
    }
  }
  if (worst > 1)
    throw Mismatch(what + " " + to_string(got.shape(), got.dtype()) + ": element " +
                   std::to_string(at) + " is " + precise(values[at]) + ", expected " +
                   precise(expected.data[at]) + " to " + precise(allowed(expected.data[at])));
}

}  // namespace

const Json& entry(const Json& object, const std::string& name) {
  static const Json none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

Tensor tensor_from(const Json& json, DType dtype) {
  const Numbers n = numbers(json);
  return cast(tensor(n.data, n.shape, float64), dtype);
}

Tolerance Tolerance::of(const Json& json) {
  if (json.contains("decimal"))
    return {.absolute = 1.5 * std::pow(10, -json.at("decimal").get<double>()), .relative = 0};
  return {.absolute = json.at("atol"), .relative = json.at("rtol")};
}

void compare(const std::string& what, const Tensor& got, const Json& expected,
             const Tolerance& tolerance) {
  compare_numbers(what, got, numbers(expected), [&](double value) {
    return tolerance.absolute + tolerance.relative * std::abs(value);
  });
}

void compare_scaled(const std::string& what, const Tensor& got, const Json& expected) {
  const Numbers n = numbers(expected);
  double scale = 1e-3;
  for (double value : n.data) scale = std::max(scale, std::abs(value));
  compare_numbers(what, got, n, [&](double) { return 1e-6 * scale; });
}
