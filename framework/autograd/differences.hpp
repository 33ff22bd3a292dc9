// SPDX-License-Identifier: Apache-2.0
// Slopes computed from a function's values alone, each with an estimate of its error.
#pragma once

#include <functional>
#include <span>

#include <tempo/ops.hpp>

namespace tempo {

/// The differentiated value is the sum of all elements of these tensors.
using Terms = std::function<Tensors()>;

Tensor total(const Tensors& terms);
double value_of(const Terms& terms);

struct Rounding {
  double of_value = 0;      ///< the estimated error of the value
  bool in_float32 = false;  ///< whether it is far larger than float64 explains
};
/// The rounding of the function, seen in values so close to each other that a smooth function would
/// not vary irregularly.
Rounding rounding_of(const Terms& terms, const Tensors& weights, int64_t seed);
/// The gradients at a few places so close by that only rounding makes them differ.
std::vector<Tensors> gradients_beside(const Terms& terms, const Tensors& weights, int64_t seed);
/// The root mean square of its elements; 1 if all are 0.
double typical_size(const Tensor& weight);

/// The slope of one element.
struct Slope {
  double value = 0;
  double bends = 0;     ///< the error that the function's curvature may leave
  double rounding = 0;  ///< the error that rounding may make
  double step = 0;      ///< the smallest step that was used
  double left = 0, right = 0;
  bool kink = false;  ///< left and right slope differ, however small the step

  double uncertainty() const { return bends + rounding; }
};

/// The slope along several elements that move together.
struct JointSlope {
  double value = 0;
  double rounding = 0;
  bool straight = false;   ///< whether it is finite and shows no sign of a kink
  bool unchanged = false;  ///< whether f was the same at all points
};

/// A weight whose elements are moved and then restored.
class Neighbourhood {
 public:
  /// `here` is the value of f; `rounding` is the error of it.
  Neighbourhood(const Terms& f, const Tensor& weight, double here, double rounding);

  std::size_t count() const { return values_.size(); }
  /// The size of an element; at least a share of the typical size of all elements.
  double size(std::size_t i) const;

  /// Computed from steps of this share of the element's size and from smaller ones; the steps that
  /// agree best are chosen (Ridders, 1982). Not finite if f is not, however small the step.
  Slope slope(std::size_t i, double share) const;

  struct Part {
    std::size_t element;
    double by;
  };
  /// Each part moves by t * by: the slope at t = 0, from four values at up to 2 * share.
  JointSlope slope(std::span<const Part> parts, double share) const;

 private:
  struct Level;
  double moved(std::span<const Part> parts, double t) const;
  Level level(std::size_t i, double step) const;
  Slope extrapolated(const std::vector<Level>& levels) const;
  void put_back() const;

  const Terms& f_;
  const Tensor& weight_;
  std::vector<double> values_;
  double least_size_, here_, rounding_;
};

}  // namespace tempo
