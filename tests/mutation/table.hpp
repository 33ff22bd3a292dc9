// SPDX-License-Identifier: Apache-2.0
// What was found, counted, and the survivors that are explained.
#pragma once

#include "mutation/trials.hpp"

namespace tempo::mutation {

/// Prints what is not explained, and the table. Whether at least 98 % of the mutants that change a
/// result were found, and each explanation is of a survivor; of some of them alone, 90 %.
bool report(const Trials& trials, const std::vector<Candidate>& candidates,
            const std::vector<Finding>& findings, bool all);

}  // namespace tempo::mutation
