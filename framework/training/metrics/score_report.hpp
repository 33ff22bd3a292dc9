// SPDX-License-Identifier: Apache-2.0
// Scores from what was counted of each class.
#pragma once

#include <cstdint>
#include <utility>

#include <tempo/scores.hpp>

namespace tempo {

/// Of one class: how many there are, how many were said to be of it, how many of these are.
struct Decisions {
  int64_t there = 0, said = 0, right = 0;
};

ClassScore score_of(const std::string& name, const Decisions& counted);

/// With the means over the classes; `name_of_all` is that of the mean of all counted together.
ScoreReport report_of(const std::vector<std::pair<std::string, Decisions>>& classes,
                      const std::string& name_of_all);

}  // namespace tempo
