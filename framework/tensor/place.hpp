// SPDX-License-Identifier: Apache-2.0
// Where an element lies, for texts.
#pragma once

#include <string>

#include <tempo/shape.hpp>

namespace tempo {

/// "[1, 2]" for the place of an element in row-major order.
inline std::string place_in(const Shape& shape, int64_t element) {
  Shape place = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    place[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return to_string(place);
}

}  // namespace tempo
