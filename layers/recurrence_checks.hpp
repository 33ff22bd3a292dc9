// SPDX-License-Identifier: Apache-2.0
// Checks of sequences, masks and states, for recurrences and their relatives.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

namespace recurrence {

/// The shape of a step of x [batch, time, features...]; x needs `rank` axes, or more if `free`.
inline Shape step_shape(const std::string& who, const Shape& x, int rank = 3, bool free = true) {
  if (x.rank() > rank && !free)
    throw ShapeError(who + ": needs [batch, time, features], got " + to_string(x) +
                     ".\n  reshape(x, {batch, time, -1}) makes one axis of the features.");
  if (x.rank() < rank)
    throw ShapeError(who + ": needs [batch, time, features], got " + to_string(x) +
                     ".\n  expand_dims(x, -1) makes a feature of each number, expand_dims(x, 0) a "
                     "batch of one sequence.");
  Shape step{x[0]};
  for (int axis = 2; axis < x.rank(); ++axis) step.push_back(x[axis]);
  return step;
}

/// Sequences that run side by side must have the same batch and time.
inline void check_together(const std::string& who, const Tensors& x) {
  const Shape first = x[0].shape();
  for (std::size_t i = 1; i < x.size(); ++i) {
    const Shape shape = x[i].shape();
    if (shape.rank() < 2 || shape[0] != first[0] || shape[1] != first[1])
      throw ShapeError(who + ": its sequences do not fit together\n  sequence 0  " +
                       to_string(first) + "\n  sequence " + std::to_string(i) + "  " +
                       to_string(shape) +
                       "\n  Each is [batch, time, ...], of the same batch and "
                       "time.");
  }
}

inline void check_mask(const std::string& who, const Tensor& mask, const Shape& x) {
  const Shape required{x[0], x[1]};
  if (mask.shape() != required || mask.dtype() != bool_)
    throw ShapeError(who + ": the mask does not fit the input\n  mask   " +
                     to_string(mask.shape(), mask.dtype()) + "\n  input  " + to_string(x) +
                     "\n  It must be " + to_string(required, bool_) +
                     ": [batch, time], true where a step counts.");
}

inline std::string listed(const Shapes& shapes) {
  std::string text;
  for (const Shape& s : shapes) text += (text.empty() ? "" : ", ") + to_string(s);
  return text;
}

inline void check_initial_state(const std::string& who, const State& given,
                                const Shapes& required) {
  Shapes shapes;
  for (const Tensor& t : given) shapes.push_back(t.shape());
  if (shapes != required)
    throw ShapeError(who + ": initial_state does not fit its states\n  given     " +
                     listed(shapes) + "\n  required  " + listed(required) +
                     "\n  Give one tensor for each state, in the order of return_state.");
}

}  // namespace recurrence

}  // namespace tempo
