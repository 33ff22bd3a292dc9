// SPDX-License-Identifier: Apache-2.0
// Slopes from a function's values alone, each with an estimate of how far off it may be.
#pragma once

#include <functional>
#include <span>

#include <tempo/ops.hpp>

namespace tempo {

/// The value that is differentiated is the sum of all elements of these.
using Terms = std::function<Tensors()>;

Tensor total(const Tensors& terms);
double value_of(const Terms& terms);

struct Rounding {
  double of_value = 0;      ///< by how much it is off
  bool in_float32 = false;  ///< far more than float64 explains
};
/// That of this function, seen in values so close to each other that a smooth curve goes through
/// them.
Rounding rounding_of(const Terms& terms, const Tensors& weights, int64_t seed);
/// The gradients at a few places so close by that only rounding makes others of them.
std::vector<Tensors> gradients_beside(const Terms& terms, const Tensors& weights, int64_t seed);
/// Of its elements; 1 where all are 0.
double typical_size(const Tensor& weight);

/// The slope of one element.
struct Slope {
  double value = 0;
  double bends = 0;     ///< what may be left of the function's bending within the step
  double rounding = 0;  ///< what rounding may make
  double step = 0;      ///< the smallest that it is made of
  double left = 0, right = 0;
  bool kink = false;  ///< left and right differ, however small the step

  double uncertainty() const { return bends + rounding; }
};

/// The slope along several elements that are moved together.
struct JointSlope {
  double value = 0;
  double rounding = 0;
  bool straight = false;   ///< finite, and without a sign of a kink
  bool unchanged = false;  ///< f is the same wherever they are
};

/// A weight whose elements are moved and put back.
class Neighbourhood {
 public:
  /// `here` is f's value; `rounding` is of it.
  Neighbourhood(const Terms& f, const Tensor& weight, double here, double rounding);

  std::size_t count() const { return values_.size(); }
  /// That of an element, or, where it is small beside the others, of these.
  double size(std::size_t i) const;

  /// From steps of this share of the element's size and smaller ones, of which those are chosen
  /// that agree best (Ridders, 1982). Not finite if f is not, however small the step.
  Slope slope(std::size_t i, double share) const;

  struct Part {
    std::size_t element;
    double by;
  };
  /// Where each moves by t * by, the slope at t = 0, from four values up to 2 * share.
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
