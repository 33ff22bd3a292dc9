// Which Programs ran: what explain prints.
#pragma once

#include "scan/step_program.hpp"

namespace tempo {

struct LoggedProgram {
  std::string what;  // "forward" or "gradient"
  StepProgramRef program;
};

/// While one lives, the Programs that this thread applies are written down, each once.
class ProgramLog {
 public:
  ProgramLog();
  ~ProgramLog();
  ProgramLog(const ProgramLog&) = delete;
  ProgramLog& operator=(const ProgramLog&) = delete;
  const std::vector<LoggedProgram>& programs() const { return programs_; }

 private:
  friend void log_program(const char* what, const StepProgramRef& program);
  std::vector<LoggedProgram> programs_;
  ProgramLog* outer_;
};

void log_program(const char* what, const StepProgramRef& program);
/// Before and after the passes.
std::string explain(const LoggedProgram& logged);

}  // namespace tempo
