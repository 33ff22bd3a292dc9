// The passes: rewritings of a Program that do not change what it computes. One file each.
#pragma once

#include "program/program.hpp"

#include <span>

namespace tempo {

/// A product with a concatenation of columns becomes a sum of products, of which those that do not
/// read the state can leave the loop.
Program split(Program program);
/// Products of one left side become one product with their right sides side by side; what is added
/// to all its parts is added to the whole.
Program merge(Program program);
/// Elementwise ops read an operand as it was before it was repeated; of narrow operands alone the
/// result is narrow, too.
Program narrow(Program program);
/// sum(-x) becomes -sum(x).
Program negate(Program program);
/// Moves out of the loop what does not read its state, to run once over all time steps.
Program hoist(Program program);
/// Moves behind the loop what it does not read: a sum over time of matmuls becomes one matmul.
Program sink(Program program);
/// Moves products over time that only the loop reads back into it, where a step has rows enough.
Program join(Program program);
/// Runs products as soon as they can, so that elementwise ops come together in few groups.
Program schedule(Program program);
/// Gives each concatenation and split of columns parts of its own, so that it costs no step.
Program own_parts(Program program);

struct Pass {
  const char* name;
  Program (*apply)(Program);
};
/// All of them, in the order in which they run.
std::span<const Pass> passes();
/// After all of them.
Program optimised(Program program);

}  // namespace tempo
