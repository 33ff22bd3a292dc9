// SPDX-License-Identifier: Apache-2.0
// The passes: each rewrites a Program without changing what it computes. The passes in rewrites/
// replace instructions, those in removals/ drop some, those in moves/ put instructions elsewhere.
// Before the first move, all instructions are in the loop; after it, only moves and own_parts may
// run (verify_all_in_loop).
#pragma once

#include "program/program.hpp"

namespace tempo {

// --- rewrites

/// A product with a concatenation of columns becomes a sum of products; those that do not read the
/// state can then leave the loop.
Program split(Program program);
/// A product with several fixed matrices becomes one of adjacent blocks, or one with a single
/// matrix; transposes that this needs become instructions of their own.
Program blocks(Program program);
/// Chains of transposes become one; parts along a middle axis become columns.
Program views(Program program);
/// Products with the same left side become one product with their right sides side by side; an
/// operand that is added to each of its parts is added to the whole.
Program merge(Program program);
/// A row is added to a sum of products instead of to one of them.
Program rows_last(Program program);
/// Elementwise ops read an operand as it was before it was repeated; if all operands are narrow, so
/// is the result.
Program narrow(Program program);
/// Products and sums of a state's matrices become elementwise products and sums of rows or columns,
/// which run through a matrix tile by tile.
Program vectors(Program program);
/// sum(-x) becomes -sum(x).
Program negate(Program program);
/// Copies parts of concatenations and splits of columns where needed, so that these cost no stage.
Program own_parts(Program program);
/// Lets products of the step with weights run in int8. This is the only pass that changes numbers;
/// it runs only if the user asked for it.
Program quantise(Program program);

// --- removals

/// Replaces the result of an op that only reshapes by its operand: the op moves no element, and its
/// gradient moves none either.
Program without_reshapes(Program program);
/// Drops instructions of the loop that no result needs, and lets carried values that no result
/// needs keep their value. Inputs stay.
Program without_dead(Program program);
/// Replaces a value with a gradient of its own by the value itself, once the gradient is built.
Program without_rules(Program program);
/// Replaces a value by the one that it renames or reshapes, by an op that moves no bytes.
Program without_renames(Program program);
/// For a condition that holds: replaces `where` by what it chooses, and drops sums with zeros from
/// the other branch. Not a pass of a pipeline: only the code that runs the Program knows it.
Program without_condition(Program program, ValueId holds);

// --- moves

/// Moves instructions that do not read the state out of the loop, to run once over all time steps.
Program hoist(Program program);
/// Moves instructions that the loop does not read to `after`: a sum of matmuls becomes one matmul.
Program sink(Program program);
/// Moves products over time that only the loop reads back into it, if a step has enough rows.
Program join(Program program);
/// Runs products as soon as possible, so that elementwise ops come together in few groups.
Program schedule(Program program);
/// Moves values that are the same at every step out of the loop.
Program fixed_first(Program program);
/// Runs the ops that may refuse their input before all others.
Program checks_first(Program program);

}  // namespace tempo
