// SPDX-License-Identifier: Apache-2.0
// A log of the Programs that were run, which explain prints.
#pragma once

#include "program/passes/pipelines.hpp"
#include "scan/recurrence.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

struct LoggedProgram {
  std::string what;                 // "forward", "gradient", "stream" or "formula"
  std::vector<Pipeline> pipelines;  // that it goes through, in order
  Program as_written;
  int64_t time;
  RecurrenceRef recurrence;  // null for a stream and a formula
};

/// While one exists, it records each recurrence that this thread applies, once, and the streams and
/// formulas that it makes.
class ProgramLog {
 public:
  ProgramLog();
  const std::vector<LoggedProgram>& programs() const { return programs_; }

 private:
  friend void log_recurrence(const char* what, std::initializer_list<Pipeline> pipelines,
                             const RecurrenceRef& recurrence, int64_t time);
  friend void log_program(const char* what, std::initializer_list<Pipeline> pipelines,
                          const Program& as_written);
  std::vector<LoggedProgram> programs_;
  Scoped<ProgramLog*> innermost_;
};

/// Adds it to the innermost log of this thread, if there is one.
void log_recurrence(const char* what, std::initializer_list<Pipeline> pipelines,
                    const RecurrenceRef& recurrence, int64_t time);
/// The same for a Program that runs one step at a time.
void log_program(const char* what, std::initializer_list<Pipeline> pipelines,
                 const Program& as_written);

/// The Program as written and after each pass that changes it, its stages, and its costs.
std::string explain(const LoggedProgram& logged);

}  // namespace tempo
