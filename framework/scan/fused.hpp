// Elementwise formulas of arrays run as one loop over tiles: an optimizer's update, say.
#pragma once

#include "scan/plan.hpp"

#include <tempo/tensor.hpp>

#include <functional>

namespace tempo {

/// An elementwise formula of the next values of arrays, traced once. Nothing of what it computes is
/// recorded for gradients.
class Fused {
 public:
  /// f(x, numbers) for tensors of these types, which have one shape, and scalars of their dtype.
  /// Its results are the next values of the first tensors, in order. It must not read values, and
  /// no tensor but its arguments.
  using Formula = std::function<Tensors(const Tensors& x, const Tensors& numbers)>;
  Fused(const Formula& f, const std::vector<TensorType>& types, std::size_t n_numbers);
  Fused(Fused&&) = default;  // no copies: the plan refers to the program
  Fused& operator=(Fused&&) = default;

  /// Runs the formula in one pass over memory. Arrays get their next values where they are if
  /// nothing else holds them, else they become new ones.
  void operator()(std::span<Array* const> x, std::span<const double> numbers) const;

 private:
  Program program_;
  Plan plan_;
  bool in_place_;
};

}  // namespace tempo
