// SPDX-License-Identifier: Apache-2.0
// Before anything is timed: do the contestants compute the same?
#pragma once

#include "cases.hpp"

namespace bench {

/// Throws std::runtime_error, naming job, contestants and the worst element, when the results of
/// Tempo and a peer of a line differ beyond rounding.
void check_results(const Block& block);

}  // namespace bench
