// SPDX-License-Identifier: Apache-2.0
// Axes in the form that ops keep: negative numbers, counted from the end.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// Axes to reduce over; {} means all of them.
using Axes = std::vector<int>;

namespace sdk {

/// The axis as counted from the end (-1 is the last); ShapeError if a tensor of this rank lacks it.
inline int from_end(const char* who, int axis, int rank) {
  if (axis < -rank || axis >= rank)
    throw ShapeError(std::string(who) + ": axis " + std::to_string(axis) + " of a tensor with " +
                     (rank == 0
                          ? "no axes."
                          : std::to_string(rank) + " axes.\n  It must lie in [" +
                                std::to_string(-rank) + ", " + std::to_string(rank - 1) + "]."));
  return axis < 0 ? axis : axis - rank;
}
inline std::vector<int64_t> from_end(const char* who, const Axes& axes, int rank) {
  std::vector<int64_t> out;
  for (int axis : axes) out.push_back(from_end(who, axis, rank));
  if (axes.empty())
    for (int axis = -rank; axis < 0; ++axis) out.push_back(axis);
  return out;
}

}  // namespace sdk

}  // namespace tempo
