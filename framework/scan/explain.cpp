// SPDX-License-Identifier: Apache-2.0
// Logs the Programs that run, and prints them with their plans and costs.
#include "scan/explain.hpp"

#include <algorithm>

#include "program/passes/pipelines.hpp"

namespace tempo {

namespace {
thread_local ProgramLog* current = nullptr;

// Bytes of all steps that stay between the forward and the backward pass, per step.
std::string kept_bytes(const TracedRecurrence& recurrence) {
  std::size_t bytes = 0;
  for (ValueId v : recurrence.read_by_gradient()) bytes += recurrence.normalised().type(v).bytes();
  return std::to_string(bytes) + " bytes kept for the gradient at each step\n";
}

// The Program after each pass that changes it.
std::string passes_of(const std::string& what, Program p) {
  std::string text, before = to_string(p);
  for (const Pass& pass : for_scan) {
    p = pass.apply(std::move(p));
    std::string after = to_string(p);
    if (after == before) continue;
    text += what + " Program, after " + pass.name + "\n" + after + "\n";
    before = std::move(after);
  }
  return text;
}
}  // namespace

ProgramLog::ProgramLog() : innermost_(current, this) {}

void log_program(const char* what, const RecurrenceRef& recurrence, int64_t time) {
  if (!current) return;
  const auto same = [&](const LoggedProgram& l) { return l.recurrence == recurrence; };
  if (std::none_of(current->programs_.begin(), current->programs_.end(), same))
    current->programs_.push_back({what, recurrence, time});
}

std::string explain(const LoggedProgram& logged) {
  const TracedRecurrence& recurrence = *logged.recurrence;
  return logged.what + " Program, as traced\n" + to_string(recurrence.as_written()) + "\n" +
         passes_of(logged.what, recurrence.as_written()) + "each step of the " + logged.what +
         " Program runs as\n" + recurrence.optimised().explain(logged.time) +
         (logged.what == "forward" ? kept_bytes(recurrence) : "");
}

}  // namespace tempo
