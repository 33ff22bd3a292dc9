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

  /// How large the next values are.
  enum class Size { moderate, finite, not_finite };
  /// The largest of moderate ones, whose squares are far from too large.
  static constexpr float moderate = 1e15F;

  /// Runs the formula in one pass over memory. The next values go where `next` says, which is none
  /// of the places of x, or, if it runs in place, those of the first of x. How large the largest
  /// is.
  Size operator()(std::span<const View> x, std::span<const double> numbers,
                  std::span<const View> next) const;
  bool runs_in_place() const { return in_place_; }

 private:
  // Made for tensors of a size; the plan refers to the program.
  struct Part {
    Part(const Formula& f, const TensorType& type, std::size_t n_tensors, std::size_t n_numbers);
    Program program;
    Plan plan;
  };
  static Size run(const Part& part, std::span<const View> numbers, std::span<const View> x,
                  std::span<const View> next, int64_t begin, int64_t count);

  int64_t count_, part_;
  bool in_place_;
  std::unique_ptr<const Part> whole_, rest_;  // of part_ elements, and of those that are left
};

}  // namespace tempo
