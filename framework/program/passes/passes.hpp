// SPDX-License-Identifier: Apache-2.0
// The passes: each rewrites a Program and does not change what it computes. Those in rewrites/ make
// other instructions, those in removals/ do without some, those in moves/ put instructions
// elsewhere. Until the first move has run, all is in the loop; only moves and own_parts come after
// one (verify_all_in_loop).
#pragma once

#include "program/program.hpp"

namespace tempo {

// --- rewrites

/// A product with a concatenation of columns becomes a sum of products, of which those that do not
/// read the state can leave the loop.
Program split(Program program);
/// A product with several fixed matrices becomes one of blocks that lie side by side, or with one
/// matrix; operands that must be turned around for it get instructions of their own.
Program blocks(Program program);
/// Transposes of transposes become one, and parts along a middle axis columns.
Program views(Program program);
/// Products of one left side become one product with their right sides side by side; what is added
/// to all its parts is added to the whole.
Program merge(Program program);
/// A row is added to a sum of products, not to one of them.
Program rows_last(Program program);
/// Elementwise ops read an operand as it was before it was repeated; of narrow operands alone the
/// result is narrow, too.
Program narrow(Program program);
/// Products and sums of a state's matrices become elementwise products and sums of rows or columns,
/// which go through a matrix tile by tile.
Program vectors(Program program);
/// sum(-x) becomes -sum(x).
Program negate(Program program);
/// Gives each concatenation and split of columns parts of its own, so that it costs no stage.
Program own_parts(Program program);
/// Lets products of the step with weights run in int8. It is the one pass that changes numbers, and
/// runs only where the user asked for it.
Program quantise(Program program);

// --- removals

/// Reads a value itself where it has another shape, by an op that moves no element and whose
/// gradient is such an op.
Program without_reshapes(Program program);
/// Drops instructions of the loop that no result needs, and lets carried values that none needs
/// stay as they are. Inputs stay.
Program without_dead(Program program);
/// Reads a value itself where it has a gradient of its own, once the gradient is built.
Program without_rules(Program program);
/// Reads a value itself where it has another name, or another shape, by an op that moves no bytes.
Program without_renames(Program program);
/// Reads what `where` chooses by a condition that holds, and adds no zeros that it would choose
/// elsewhere. Not a pass of a pipeline: only who runs the Program knows that it holds.
Program without_condition(Program program, ValueId holds);

// --- moves

/// Moves out of the loop what does not read its state, to run once over all time steps.
Program hoist(Program program);
/// Moves after the loop what it does not read: a sum over time of matmuls becomes one matmul.
Program sink(Program program);
/// Moves products over time that only the loop reads back into it, where a step has rows enough.
Program join(Program program);
/// Runs products as soon as they can, so that elementwise ops come together in few groups.
Program schedule(Program program);
/// Moves values that are the same at every step out of the loop.
Program fixed_first(Program program);
/// Runs the ops that may refuse their input before all others.
Program checks_first(Program program);

}  // namespace tempo
