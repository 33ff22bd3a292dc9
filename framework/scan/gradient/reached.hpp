// SPDX-License-Identifier: Apache-2.0
// What results are made of, over all steps: where a gradient of theirs may come to.
#pragma once

#include "program/value_set.hpp"

namespace tempo {

/// All that the results marked are made of, at their step or an earlier one.
ValueSet what_results_read(const Program& program, const std::vector<bool>& results);

}  // namespace tempo
