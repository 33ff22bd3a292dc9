// SPDX-License-Identifier: Apache-2.0
// Elementwise formulas of arrays that run as one loop over tiles, such as an optimizer's update.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include <tempo/tensor.hpp>

#include "program/executable.hpp"

namespace tempo {

/// An elementwise formula for the next values of arrays, traced once. Nothing is recorded for
/// gradients.
class Formula {
 public:
  /// f(x, numbers) for n_tensors tensors of one type and n_numbers scalars of its dtype. Its
  /// results are the next values of the first tensors, in order. It must not read values of
  /// tensors, nor use any tensor but its arguments.
  using Function = std::function<Tensors(const Tensors& x, const Tensors& numbers)>;
  Formula(const Function& f, const TensorType& type, std::size_t n_tensors, std::size_t n_numbers);

  /// The size of the next values.
  enum class Size { moderate, finite, not_finite };
  /// The largest moderate value: the square of one is far from overflow.
  static constexpr float moderate = 1e15F;

  /// Runs the formula in one pass over memory, and returns the size of the largest next value. The
  /// next values are written to `next`, which does not overlap x or, if it runs in place, is the
  /// first tensors of x.
  Size operator()(std::span<const View> x, std::span<const double> numbers,
                  std::span<const View> next) const;
  bool runs_in_place() const { return in_place_; }

 private:
  static Size run(const Executable& part, std::span<const View> numbers, std::span<const View> x,
                  std::span<const View> next, int64_t begin, int64_t count);

  int64_t count_, part_;
  Executable whole_;                // for part_ elements
  std::optional<Executable> rest_;  // for the elements that are left
  bool in_place_;
};

}  // namespace tempo
