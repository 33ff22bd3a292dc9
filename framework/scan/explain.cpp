// SPDX-License-Identifier: Apache-2.0
// Logs the Programs that run, and prints them with their passes, plans and costs.
#include "scan/explain.hpp"

#include <algorithm>

#include "scan/parts/parts.hpp"

namespace tempo {

namespace {
thread_local ProgramLog* current = nullptr;

// The bytes per step that are kept between the forward and the backward pass.
std::string kept_bytes(const TracedRecurrence& recurrence) {
  std::size_t bytes = 0;
  for (ValueId v : recurrence.read_by_gradient()) bytes += recurrence.normalised().type(v).bytes();
  return std::to_string(bytes) + " bytes kept for the gradient at each step\n";
}

// With matrix states: the bytes kept at the ends of segments; `recompute` keeps those as well.
std::string kept_bytes_of_segments(const Program& p) {
  std::size_t bytes = 0;
  for (ValueId v : p.carried) bytes += p.type(v).bytes();
  return std::to_string(bytes) + " bytes kept for the gradient at the end of each segment\n";
}

// The stages of a step in a run that leaves out masked steps, if a run can.
std::string of_ending_rows(const TracedRecurrence& recurrence) {
  if (!recurrence.condition() || !recurrence.for_ending_rows().drops_rows()) return "";
  return "where steps are left out by the mask, and its condition with them\n" +
         to_string(recurrence.for_ending_rows());
}

// Runs the passes; adds the Program to the text after each pass that changes it.
Program after_passes(const LoggedProgram& logged, std::string& text) {
  Program p = logged.as_written;
  std::string before = to_string(p);
  for (const Pipeline& pipeline : logged.pipelines)
    for (const Pass& pass : pipeline.passes) {
      p = pass.apply(std::move(p));
      std::string after = to_string(p);
      if (after == before) continue;
      text += logged.what + " Program, after " + pass.name + " (" + pipeline.name + ")\n" + after +
              "\n";
      before = std::move(after);
    }
  return p;
}
}  // namespace

ProgramLog::ProgramLog() : innermost_(current, this) {}

void log_recurrence(const char* what, std::initializer_list<Pipeline> pipelines,
                    const RecurrenceRef& recurrence, int64_t time) {
  if (!current) return;
  const auto same = [&](const LoggedProgram& l) { return l.recurrence == recurrence; };
  if (std::none_of(current->programs_.begin(), current->programs_.end(), same))
    current->programs_.push_back({what, pipelines, recurrence->as_written(), time, recurrence});
}

void log_program(const char* what, std::initializer_list<Pipeline> pipelines,
                 const Program& as_written) {
  if (current) current->programs_.push_back({what, pipelines, as_written, 1, nullptr});
}

std::string explain(const LoggedProgram& logged) {
  std::string text = logged.what + " Program, as written\n" + to_string(logged.as_written) + "\n";
  if (logged.what == "forward" && logged.recurrence && logged.recurrence->runs_in_parts())
    return text + "it runs as the Programs that follow, one after the other over all of time\n";
  Program optimised = after_passes(logged, text);
  text += "each step of the " + logged.what + " Program runs as\n";
  if (!logged.recurrence) return text + Executable(std::move(optimised)).explain(logged.time);
  return text + logged.recurrence->optimised().explain(logged.time) +
         of_ending_rows(*logged.recurrence) +
         (logged.what == part_of_matrices ? kept_bytes_of_segments(logged.recurrence->normalised())
          : logged.what != "gradient"     ? kept_bytes(*logged.recurrence)
                                          : "");
}

}  // namespace tempo
