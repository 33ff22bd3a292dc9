// SPDX-License-Identifier: Apache-2.0
// Scores from the counts of each class.
#pragma once

#include <cstdint>
#include <utility>

#include <tempo/scores.hpp>

namespace tempo {

/// Counts of one class: true members, predicted members, and correct predictions.
struct Decisions {
  int64_t there = 0, said = 0, right = 0;
};

ClassScore score_of(const std::string& name, const Decisions& counted);

/// The scores and their means over the classes; `name_of_all` names the mean of all counts.
ScoreReport report_of(const std::vector<std::pair<std::string, Decisions>>& classes,
                      const std::string& name_of_all);

}  // namespace tempo
