// SPDX-License-Identifier: Apache-2.0
// The values that results are made of, over all steps: a gradient of theirs may reach these.
#pragma once

#include "program/value_set.hpp"

namespace tempo {

/// All values that the marked results are made of, at their step or an earlier one.
ValueSet what_results_read(const Program& program, const std::vector<bool>& results);

}  // namespace tempo
