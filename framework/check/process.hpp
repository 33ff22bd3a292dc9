// SPDX-License-Identifier: Apache-2.0
// What a process has that a plugin must leave alone.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tempo::conformance {

/// Its folder, locale, umask, rounding, threads, signals: name and value.
std::vector<std::pair<std::string, std::string>> of_this_process();
/// Throws Fault where something is another one now; `doing` says after what.
void require_unchanged(const std::vector<std::pair<std::string, std::string>>& before,
                       const std::string& doing);

/// From now on Tempo does not print what it loads, though TEMPO_PLUGIN_TRACE asks for it.
void says_no_more();

/// While one lives, what is written to stdout and stderr is kept.
class Kept {
 public:
  Kept();
  ~Kept() { give_back(); }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  /// The beginning of it; from now on it is not kept any more.
  std::string text();

 private:
  void give_back();
  int file_;
  int before_[2];
};

}  // namespace tempo::conformance
