// The invariants of a Program: what passes, planner and executor may rely on.
#pragma once

#include "program/plan/plan.hpp"

namespace tempo {

/// Throws an Error that names the instruction and the invariant that it breaks.
void verify(const Program& program);
/// The same, and that `program`, which a pass made of `given`, has its inputs, its results and the
/// numbers of its values.
void verify(const Program& program, const Program& given);
/// That no row of the loop reads another, where a plan says so.
void verify(const Program& program, const Plan& plan);

}  // namespace tempo
