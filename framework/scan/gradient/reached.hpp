// SPDX-License-Identifier: Apache-2.0
// The values, over all steps, from which results are computed: their gradients may reach these.
#pragma once

#include "program/value_set.hpp"

namespace tempo {

/// All values from which the marked results are computed, at the same step or an earlier one.
ValueSet what_results_read(const Program& program, const std::vector<bool>& results);

}  // namespace tempo
