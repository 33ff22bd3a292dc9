// SPDX-License-Identifier: Apache-2.0
// Elementwise formulas of arrays run as one loop over tiles: an optimizer's update, say.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include <tempo/tensor.hpp>

#include "program/executable.hpp"

namespace tempo {

/// An elementwise formula of the next values of arrays, traced once. Nothing of what it computes is
/// recorded for gradients.
class Formula {
 public:
  /// f(x, numbers) for n_tensors tensors of one type, and n_numbers scalars of its dtype. Its
  /// results are the next values of the first tensors, in order. It must not read values, and no
  /// tensor but its arguments.
  using Function = std::function<Tensors(const Tensors& x, const Tensors& numbers)>;
  Formula(const Function& f, const TensorType& type, std::size_t n_tensors, std::size_t n_numbers);

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
  static Size run(const Executable& part, std::span<const View> numbers, std::span<const View> x,
                  std::span<const View> next, int64_t begin, int64_t count);

  int64_t count_, part_;
  Executable whole_;                // of part_ elements
  std::optional<Executable> rest_;  // of those that are left
  bool in_place_;
};

}  // namespace tempo
