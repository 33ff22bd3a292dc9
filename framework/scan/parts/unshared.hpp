// SPDX-License-Identifier: Apache-2.0
// Prepares a step for being cut in parts.
#pragma once

#include "program/program.hpp"

namespace tempo {

/// The step with a vector for each head wherever the matrices of all heads read one, so that a
/// matrix reads no other's.
Program unshared(Program program);

}  // namespace tempo
