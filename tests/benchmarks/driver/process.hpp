// SPDX-License-Identifier: Apache-2.0
// A contestant's process, which answers over pipes.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <map>
#include <string>

#include "benchmarks/protocol.hpp"

namespace bench {

using Settings = std::map<std::string, std::string>;  ///< environment variables

/// "OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=1"
std::string to_text(const Settings& settings);

/// From now on this file is the contestant `program`.
void lies_at(const std::string& program, const std::string& path);

/// Its threads run only while it answers. Between its turns it is stopped, because a pool's idle
/// threads spin for tens of milliseconds and would take a processor from the next contestant.
class Process {
 public:
  /// Starts bench_`program`, which lies beside the driver unless `lies_at` named another file, and
  /// lets it prepare a job. Throws Unsupported if it has no such job.
  Process(const std::string& program, const Job& job, const Settings& settings);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Seconds per run, as the mean of `count` runs.
  double run(int64_t count);
  Results results();
  double megabytes();
  int64_t allocations();

 private:
  void start(const std::string& program, const Settings& settings);
  void end();
  void pause();
  void resume();
  void ask(const std::string& line);
  std::string answer();
  [[noreturn]] void fail(const std::string& why) const;

  std::string who_;
  pid_t pid_ = -1;
  std::FILE *to_ = nullptr, *from_ = nullptr;
};

}  // namespace bench
