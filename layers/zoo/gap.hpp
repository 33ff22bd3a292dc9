// SPDX-License-Identifier: Apache-2.0
// The second sequence that cells of continuous time may be given: times, or gaps between steps.
#pragma once

#include <string>

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {
namespace zoo {

/// The number of this step in the second sequence of cell C, [batch, 1], in the dtype of x;
/// `otherwise` if x is alone.
template <class C>
Tensor time_of(const Tensors& x, const Tensor& otherwise) {
  if (x.size() == 1) return otherwise;
  const std::string who = sdk::class_name<C>();
  if (x.size() != 2)
    throw ShapeError(who + ": takes one or two sequences, got " + std::to_string(x.size()) +
                     ".\n  Give it x, or " + C::sequences + ".");
  const Shape step = x[1].shape();
  if (step.back() != 1)
    throw ShapeError(who + ": the second sequence of " + C::sequences + " is [" +
                     std::to_string(step[0]) + ", time, " + std::to_string(step.back()) +
                     "]; it must be [batch, time, 1], one number for each step.");
  return cast(x[1], x[0].dtype());
}
/// The same with a number.
template <class C>
Tensor time_of(const Tensors& x, double otherwise) {
  return time_of<C>(x, scalar(otherwise, x[0].dtype()));
}

}  // namespace zoo
}  // namespace tempo
