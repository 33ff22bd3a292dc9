// SPDX-License-Identifier: Apache-2.0
// Prepares a step for being cut into parts.
#pragma once

#include "program/program.hpp"

namespace tempo {

/// Gives each head its own copy of a vector that the matrices of all heads read, so that no matrix
/// shares operands with another.
Program unshared(Program program);

}  // namespace tempo
