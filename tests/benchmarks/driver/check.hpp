// SPDX-License-Identifier: Apache-2.0
// Before anything is timed, checks that the contestants compute the same.
#pragma once

#include "cases.hpp"

namespace bench {

/// Throws std::runtime_error, which names job, contestants and the worst element, if results of
/// Tempo and a peer of a line differ beyond rounding.
void check_results(const Block& block);

}  // namespace bench
