// SPDX-License-Identifier: Apache-2.0
// Checks the option `units`, which must be given.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

/// `gates` is the number of columns that each unit has in the layer's widest matrix.
inline void require_units(const std::string& who, int units, int64_t gates = 1) {
  if (units < 1)
    throw Error(who + ": units is not set; it is the size of the output.\n  Give it: " + who +
                "({.units = 32}), or {\"units\", 32} by name.");
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  if (gates * units > most)
    throw Error(who + ": units is " + std::to_string(units) + "; its weights would have " +
                std::to_string(gates) + " * units columns, and a matrix has at most " +
                std::to_string(most) + ".\n  units can be " + std::to_string(most / gates) +
                " at most.");
}

}  // namespace tempo
