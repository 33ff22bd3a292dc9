// Elementwise formulas of tensors run as one loop over tiles: an optimizer's update, say.
#pragma once

#include "scan/plan.hpp"

#include <tempo/tensor.hpp>

#include <functional>

namespace tempo {

/// An elementwise formula, traced once: what it computes runs in one pass over memory, and nothing
/// of it is recorded for gradients.
class Fused {
 public:
  /// f(x, numbers) for tensors like these, of one shape, and scalars of their dtype. It must not
  /// read values, and no tensor but its arguments.
  using Formula = std::function<Tensors(const Tensors& x, const Tensors& numbers)>;
  Fused(const Formula& f, const Tensors& like, std::size_t n_numbers);
  Fused(Fused&&) = default;  // no copies: the plan refers to the program
  Fused& operator=(Fused&&) = default;

  /// The results of the formula. x are of the types it was traced with.
  Tensors operator()(const Tensors& x, const std::vector<double>& numbers) const;

 private:
  Program program_;
  Plan plan_;
};

}  // namespace tempo
