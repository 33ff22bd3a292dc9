// SPDX-License-Identifier: Apache-2.0
// The index of an element, as text.
#pragma once

#include <string>

#include <tempo/shape.hpp>

namespace tempo {

/// "[1, 2]" for an element given by its row-major number.
inline std::string place_in(const Shape& shape, int64_t element) {
  Shape place = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    place[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return to_string(place);
}

}  // namespace tempo
