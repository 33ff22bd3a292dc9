// SPDX-License-Identifier: Apache-2.0
// Options that are one number or several.
#pragma once

#include <algorithm>
#include <charconv>

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

/// One whole number or several, as the value of an option: `.axis = -1`, `.axes = {2, 1}`.
class Integers : public Shape {
 public:
  Integers() = default;
  Integers(int64_t one) : Shape{one} {}
  Integers(std::initializer_list<int64_t> several) : Shape(several) {}
};

/// One number or several, as the value of an option: `.mean = 0.5`, `.mean = {0.5, 2}`. It is kept
/// as a text, "[0.5, 2]", that reads back as the same numbers.
class Reals {
 public:
  Reals() = default;
  Reals(double one) : Reals(std::vector<double>{one}) {}
  Reals(std::initializer_list<double> several) : Reals(std::vector<double>(several)) {}
  Reals(const std::vector<double>& several) {
    for (double value : several) text += (text.empty() ? "[" : ", ") + sdk::shortest(value);
    if (!text.empty()) text += "]";
  }

  bool given() const { return !text.empty(); }
  /// The numbers; errors name the layer `who` and its `option`.
  std::vector<double> values(const std::string& who, const char* option) const {
    std::vector<double> out;
    const char *at = text.data(), *const end = at + text.size();
    const auto skip = [&](const char* among) {
      while (at != end && std::string_view(among).find(*at) != std::string_view::npos) ++at;
    };
    for (skip(" ["); at != end; skip(" ,]")) {
      double value = 0;
      const auto [stopped, error] = std::from_chars(at, end, value);
      if (error != std::errc() || !std::isfinite(value))
        throw Error(who + ": " + option + " is \"" + text +
                    "\"; it is a number or several, as \"0.5\" or \"[0.5, 2]\".");
      out.push_back(value);
      at = stopped;
    }
    return out;
  }

  std::string text;
};

namespace sdk {

/// The form that `describe` passes on: option("axis", as_list(o.axis), "...").
inline Shape& as_list(Integers& integers) { return integers; }
inline std::string& as_text(Reals& reals) { return reals.text; }

/// An axis after the batch, counted from 0, of an input with `rank` axes; 0 if `axis` is not one of
/// these.
inline int axis_after_batch(int64_t axis, int rank) {
  const int64_t from_front = axis < 0 ? axis + rank : axis;
  return from_front >= 1 && from_front < rank ? static_cast<int>(from_front) : 0;
}

/// The axes that an option of `who` names, counted from 0 and sorted. The batch axis may not be
/// named.
inline Axes axes_after_batch(const char* who, const char* option, const Shape& given, int rank) {
  Axes axes;
  for (int64_t axis : given) axes.push_back(axis_after_batch(axis, rank));
  std::sort(axes.begin(), axes.end());
  if ((!axes.empty() && axes.front() == 0) ||
      std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    throw ShapeError(std::string(who) + ": " + option + " is " + to_string(given) +
                     ", the input has " + std::to_string(rank) + (rank == 1 ? " axis" : " axes") +
                     ".\n  It names axes after the batch, each once; -1 is the last.");
  return axes;
}

/// The extents of x along these axes.
inline Shape extents(const Shape& x, const Axes& axes) {
  Shape out;
  for (int axis : axes) out.push_back(x[axis]);
  return out;
}
/// Values with the extents of x along these axes, reshaped to x's rank with 1 for other axes.
inline Tensor beside(const Tensor& values, const Axes& axes, const Shape& x) {
  Shape shape;
  for (int axis = 0; axis < x.rank(); ++axis)
    shape.push_back(std::find(axes.begin(), axes.end(), axis) == axes.end() ? 1 : x[axis]);
  return values.shape() == shape ? values : reshape(values, shape);
}

}  // namespace sdk

}  // namespace tempo
