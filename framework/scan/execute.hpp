// The executor: runs a Program over all time steps, by its plan.
#pragma once

#include "scan/plan.hpp"

namespace tempo {

/// The types of a Program's results over this many steps.
std::vector<TensorType> result_types(const Program& program, int64_t time);
/// Inputs in the Program's order, sequences with the time axis first; outputs are allocated.
void execute(const Program& program, const Plan& plan, int64_t time, std::span<const View> inputs,
             std::span<const View> outputs);

}  // namespace tempo
