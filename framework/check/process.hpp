// SPDX-License-Identifier: Apache-2.0
// The state of a process that a plugin must not change.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tempo::conformance {

/// The folder, locale, umask, rounding, threads and signals of this process: name and value.
std::vector<std::pair<std::string, std::string>> of_this_process();
/// Throws Fault if something has changed since; `doing` names what was done in between.
void require_unchanged(const std::vector<std::pair<std::string, std::string>>& before,
                       const std::string& doing);

/// From now on Tempo does not print what it loads, even if TEMPO_PLUGIN_TRACE is set.
void says_no_more();

/// While one exists, everything written to stdout and stderr is captured.
class Kept {
 public:
  Kept();
  ~Kept() { give_back(); }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  /// The beginning of the captured text; ends the capture.
  std::string text();

 private:
  void give_back();
  int file_;
  int before_[2];
};

}  // namespace tempo::conformance
