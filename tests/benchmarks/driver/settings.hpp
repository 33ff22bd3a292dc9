// SPDX-License-Identifier: Apache-2.0
// Finds by trial the settings with which a contestant runs a job best.
#pragma once

#include "process.hpp"

namespace bench {

struct Candidate {
  Settings settings;
  std::unique_ptr<Process> process;  ///< prepared and warm
  double seconds = 0;                ///< for one run
};

/// At most job.threads threads each. Throws Unsupported.
Candidate best_settings(const std::string& program, const Job& job);
/// Some settings with which it runs.
Settings any_settings(const std::string& program, int threads);

}  // namespace bench
