// SPDX-License-Identifier: Apache-2.0
// Which Programs ran: what explain prints.
#pragma once

#include "scan/recurrence.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

struct LoggedProgram {
  std::string what;  // "forward" or "gradient"
  RecurrenceRef recurrence;
  int64_t time;
};

/// While one lives, the Programs that this thread applies are written down, each once.
class ProgramLog {
 public:
  ProgramLog();
  const std::vector<LoggedProgram>& programs() const { return programs_; }

 private:
  friend void log_program(const char* what, const RecurrenceRef& recurrence, int64_t time);
  std::vector<LoggedProgram> programs_;
  Scoped<ProgramLog*> innermost_;
};

void log_program(const char* what, const RecurrenceRef& recurrence, int64_t time);
/// Before and after the passes, how it runs and what that costs.
std::string explain(const LoggedProgram& logged);

}  // namespace tempo
