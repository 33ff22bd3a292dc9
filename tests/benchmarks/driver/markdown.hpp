// SPDX-License-Identifier: Apache-2.0
// The tables of docs/performance/results.md.
#pragma once

#include "measure.hpp"

namespace bench {

/// One table for each title and number of threads: a row for each size, a column for each cell.
std::string markdown(const std::vector<Row>& rows, int rounds, const Choice& choice);

}  // namespace bench
