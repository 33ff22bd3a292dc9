// SPDX-License-Identifier: Apache-2.0
// The invariants of a Program, on which passes, planner and executor rely.
#pragma once

#include "program/program.hpp"

namespace tempo {

/// Throws an Error that names the instruction and the invariant that it breaks.
void verify(const Program& program);
/// The same, and checks that `program`, which a pass made from `given`, has the same inputs,
/// results and numbers of values.
void verify(const Program& program, const Program& given);
/// Checks that all is in the loop, as before the first move; `pass` would ignore the rest.
void verify_all_in_loop(const Program& program, const char* pass);
/// Checks that the loop has this many rows that do not read one another; 0 claims nothing.
void verify_rows(const Program& program, int64_t independent_rows);

}  // namespace tempo
