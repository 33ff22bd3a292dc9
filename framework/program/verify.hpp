// SPDX-License-Identifier: Apache-2.0
// The invariants of a Program: what passes, planner and executor may rely on.
#pragma once

#include "program/program.hpp"

namespace tempo {

/// Throws an Error that names the instruction and the invariant that it breaks.
void verify(const Program& program);
/// The same, and that `program`, which a pass made of `given`, has its inputs, its results and the
/// numbers of its values.
void verify(const Program& program, const Program& given);
/// That all is in the loop, as it is until the first move has run: `pass` would forget the rest.
void verify_all_in_loop(const Program& program, const char* pass);
/// That the loop has this many rows, of which none reads another; 0 claims nothing.
void verify_rows(const Program& program, int64_t independent_rows);

}  // namespace tempo
