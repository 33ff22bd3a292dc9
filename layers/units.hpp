// The option that every layer with weights of a chosen size must be given.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

inline void require_units(const std::string& who, int units) {
  if (units < 1)
    throw Error(who + ": units is not set; it is the size of the output.\n  Give it: " + who +
                "({.units = 32}), or {\"units\", 32} by name.");
}

}  // namespace tempo
