// Elementwise formulas of arrays run as one loop over tiles: an optimizer's update, say.
#pragma once

#include "program/plan/plan.hpp"

#include <tempo/tensor.hpp>

#include <functional>
#include <memory>
#include <span>

namespace tempo {

/// An elementwise formula of the next values of arrays, traced once. Nothing of what it computes is
/// recorded for gradients.
class Fused {
 public:
  /// f(x, numbers) for so many tensors of one type, and scalars of its dtype. Its results are the
  /// next values of the first tensors, in order. It must not read values, and no tensor but its
  /// arguments.
  using Formula = std::function<Tensors(const Tensors& x, const Tensors& numbers)>;
  Fused(const Formula& f, const TensorType& type, std::size_t n_tensors, std::size_t n_numbers);

  /// Runs the formula in one pass over memory. The next values go where `next` says, which is none
  /// of the places of x. Whether all of them are finite.
  bool operator()(std::span<const View> x, std::span<const double> numbers,
                  std::span<const View> next) const;

 private:
  // Made for tensors of a size; the plan refers to the program.
  struct Part {
    Part(const Formula& f, const TensorType& type, std::size_t n_tensors, std::size_t n_numbers);
    Program program;
    Plan plan;
  };
  static bool run(const Part& part, std::span<const View> numbers, std::span<const View> x,
                  std::span<const View> next, int64_t begin, int64_t count);

  int64_t count_, part_;
  std::unique_ptr<const Part> whole_, rest_;  // of part_ elements, and of those that are left
};

}  // namespace tempo
