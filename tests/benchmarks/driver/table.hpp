// SPDX-License-Identifier: Apache-2.0
// The table, as text while it grows and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "measure.hpp"

namespace bench {

/// The machine, what the columns say; before the first row.
std::string head(int rounds, const Choice& choice);
std::string title(const Block& block);
std::string text(const Row& row, const Choice& choice);
/// Least and median of the ratios over the sizes of each cell; which settings the peers ran with.
std::string foot(const std::vector<Row>& rows, const Choice& choice);

nlohmann::json json(const std::vector<Row>& rows, int rounds);

}  // namespace bench
