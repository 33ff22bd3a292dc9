// SPDX-License-Identifier: Apache-2.0
// The second sequence that cells of continuous time may be given: times, or gaps between steps.
#pragma once

#include <string>

#include <tempo/elementwise.hpp>

namespace tempo TEMPO_HIDDEN {
namespace zoo {

/// The number of this step in the second sequence, [batch, 1]; `otherwise` where x is alone.
inline Tensor time_of(const std::string& who, const Tensors& x, const Tensor& otherwise) {
  if (x.size() == 1) return otherwise;
  if (x.size() != 2)
    throw ShapeError(who + ": takes one or two sequences, got " + std::to_string(x.size()) +
                     ".\n  Give it x, or {x, times}.");
  const Shape given = x[1].shape();
  if (given.rank() != 2 || given.back() != 1)
    throw ShapeError(who + ": a step of its second sequence is " + to_string(given) +
                     "; it must be [batch, 1], one time for each step.\n  expand_dims(times, -1) "
                     "makes [batch, time, 1] of [batch, time].");
  return x[1];
}
/// The same with a number.
inline Tensor time_of(const std::string& who, const Tensors& x, double otherwise) {
  return time_of(who, x, scalar(otherwise, x[0].dtype()));
}

}  // namespace zoo
}  // namespace tempo
