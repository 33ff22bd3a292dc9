// SPDX-License-Identifier: Apache-2.0
// The table as text, line by line, and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "measure.hpp"

namespace bench {

/// The machine and the meaning of the columns, before the first row.
std::string head(int rounds, const Choice& choice);
std::string title(const Block& block);
std::string text(const Row& row, const Choice& choice);
/// Minimum and median of the ratios over the sizes of each cell; the settings of the peers.
std::string foot(const std::vector<Row>& rows, const Choice& choice);

nlohmann::json json(const std::vector<Row>& rows, int rounds);

}  // namespace bench
