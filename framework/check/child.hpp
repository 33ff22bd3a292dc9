// SPDX-License-Identifier: Apache-2.0
// A program in a process of its own, with limits: what ends it ends nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tempo::conformance {

struct ChildLimits {
  int seconds = 60;          ///< of the clock and of the processor
  int64_t megabytes = 4096;  ///< of addresses
};

/// How a child ended, and what it said until then.
struct Ended {
  enum How { exited, by_signal, too_late } how = exited;
  int number = 0;      ///< the exit code, or the signal
  std::string output;  ///< of stdout and stderr, the first 64 kB
  std::string report;  ///< what it gave to write_report; "" of what is longer than any report
  bool used_up_processor = false;  ///< the time of it that it was given
};

/// Runs this program with other arguments and waits for it. What it had started is ended with it,
/// and it is ended with this process.
Ended run_this_program(const std::vector<std::string>& arguments, const ChildLimits& limits);

/// In the child: gives this to its parent, apart from what it prints.
void write_report(const std::string& text);

/// Runs f in a copy of this process, and returns what it returned. What it threw, and how it ended
/// if not well, is thrown here: as an Inapplicable, or else as a Fault.
std::string in_fork(const std::function<std::string()>& f);

/// "it was ended by signal 11 (Segmentation fault)."; "" for an exit with 0.
std::string end_of(const Ended& ended, const ChildLimits& limits);

}  // namespace tempo::conformance
