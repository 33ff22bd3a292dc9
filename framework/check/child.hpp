// SPDX-License-Identifier: Apache-2.0
// A program in a process of its own, with limits: a crash of it ends nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tempo::conformance {

struct ChildLimits {
  int seconds = 60;          ///< of real time and of processor time
  int64_t megabytes = 4096;  ///< of address space
};

/// How a child ended, and its output until then.
struct Ended {
  enum How { exited, by_signal, too_late } how = exited;
  int number = 0;      ///< the exit code, or the signal
  std::string output;  ///< from stdout and stderr, the first 64 kB
  std::string report;  ///< the text given to write_report; "" if it is longer than any report
  bool used_up_processor = false;  ///< whether it used up its processor time
};

/// Runs this program with other arguments and waits for it. Processes that it started are ended
/// with it, and it is ended with this process.
Ended run_this_program(const std::vector<std::string>& arguments, const ChildLimits& limits);

/// In the child: sends this text to its parent, apart from the printed output.
void write_report(const std::string& text);

/// Runs f in a copy of this process, and returns its result. An exception of f, or an abnormal end
/// of the copy, is thrown here: as an Inapplicable if it was one, else as a Fault.
std::string in_fork(const std::function<std::string()>& f);

/// "it was ended by signal 11 (Segmentation fault)."; "" for an exit with 0.
std::string end_of(const Ended& ended, const ChildLimits& limits);

}  // namespace tempo::conformance
