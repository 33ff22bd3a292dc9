// SPDX-License-Identifier: Apache-2.0
// `tempo layers` loads the installed plugins in a child. If the child crashes, each file is loaded
// in a child of its own.
#include <iostream>

#include <tempo/error.hpp>
#include <tempo/names.hpp>

#include "check/child.hpp"
#include "commands.hpp"
#include "plugin/debug/host.hpp"

namespace tempo::command {

namespace {

using conformance::ChildLimits;
using conformance::Ended;

constexpr ChildLimits limits{.seconds = 20, .megabytes = 4096};
constexpr char of_list = 'l', of_error = 'e';  // the first letter of a report

Ended in_child(std::vector<std::string> more) {
  more.insert(more.begin(), {"layers", "--in-process", "--report"});
  return conformance::run_this_program(more, limits);
}
// The reason why nothing was reported; "" if something was.
std::string fault_of(const Ended& ended) {
  const std::string end = conformance::end_of(ended, limits);
  return end.empty() && ended.report.empty() ? "it ended the process without a word." : end;
}
bool is_error(const Ended& ended) { return ended.report[0] == of_error; }
std::string text_of(const Ended& ended) { return ended.report.substr(1); }

struct Scanned {
  std::string sections, failures;
};
Scanned one_by_one(std::vector<std::string> files) {
  for (uint32_t i = 0; const char* file = tempo::check_extension().plugin_file(i); ++i)
    files.emplace_back(file);
  Scanned all;
  for (const std::string& file : files) {
    const Ended ended = in_child({"--file", file});
    const std::string fault = fault_of(ended);
    if (fault.empty() && !is_error(ended))
      all.sections += text_of(ended);
    else
      all.failures +=
          "\n  " +
          sdk::indented(fault.empty() ? text_of(ended) : "plugin " + file + ": " + fault, "  ");
  }
  return all;
}

}  // namespace

std::string list_report(const std::string& list) { return of_list + list; }
std::string error_report(const std::string& error) { return of_error + error; }

std::string scan_layers(const std::string& name, const std::vector<std::string>& plugins) {
  std::vector<std::string> arguments;
  if (!name.empty()) arguments.push_back(name);
  for (const std::string& plugin : plugins) {
    arguments.push_back("--plugin");
    arguments.push_back(plugin);
  }
  const Ended ended = in_child(arguments);
  const std::string fault = fault_of(ended);
  if (fault.empty()) {
    std::cerr << ended.output;  // printed by plugins while they were loaded
    if (is_error(ended)) throw Error(text_of(ended));
    return text_of(ended);
  }
  Scanned all = one_by_one(plugins);
  if (all.failures.empty()) all.failures = "\n  all plugins in one process: " + fault;
  if (name.empty()) return all.sections + "\nCould not be loaded:" + all.failures + "\n";
  throw Error("layers: a plugin ends the process that it is loaded in:" + all.failures +
              "\n  Take it out of the folder that it is in.");
}

}  // namespace tempo::command
