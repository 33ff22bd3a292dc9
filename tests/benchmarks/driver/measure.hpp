// SPDX-License-Identifier: Apache-2.0
// Measures a block: compares results, finds each contestant's best settings, and takes turns.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "cases.hpp"
#include "process.hpp"

namespace bench {

/// The measurements of one contestant for one job.
struct Timing {
  std::string program;
  Job job;
  Settings settings;
  std::vector<double> seconds;  ///< for one run, by round
  double megabytes = 0;
  int64_t allocations = -1;

  double least() const;
};

/// How many times `this_one` fits into `other`: the ratio of their shortest times, and the
/// quartiles of the ratios round by round.
struct Ratio {
  double of_minima = 0, lower = 0, upper = 0;
};
Ratio ratio(const Timing& other, const Timing& this_one);

struct Row {
  std::string group, title;  ///< of the block that contains it
  Line line;
  Timing tempo;
  std::map<std::string, Timing> peers;  ///< by program; only those with the same job
  std::optional<Ratio> against;
  double peak = 0;  ///< GFLOP/s of this dtype on these threads, the best seen so far
};

using Report = std::function<void(const std::string&)>;

/// Throws std::runtime_error if results differ beyond rounding.
std::vector<Row> measure(const Block& block, int rounds, const Report& progress);

}  // namespace bench
