// The passes: rewritings of a Program that do not change what it computes. One file each.
#pragma once

#include "scan/program.hpp"

namespace tempo {

/// Moves out of the loop what does not read its state, to run once over all time steps.
Program hoist(Program program);
/// Moves behind the loop what it does not read: a sum over time of matmuls becomes one matmul.
Program sink(Program program);
/// All of them, in order.
Program optimised(Program program);

}  // namespace tempo
