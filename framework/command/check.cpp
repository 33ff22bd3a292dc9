// SPDX-License-Identifier: Apache-2.0
// `tempo check`: the findings on a plugin, as a table or as lines of JSON.
#include <random>

#include <nlohmann/json.hpp>

#include <tempo/names.hpp>

#include "check/child.hpp"
#include "check/plugin_check.hpp"
#include "commands.hpp"

namespace tempo::command {

namespace {

using namespace conformance;
using sdk::indented;
using sdk::padded;

// Bytes from a plugin that are not UTF-8 are shown as U+FFFD.
std::string json_lines(const PluginReport& report) {
  using Json = nlohmann::ordered_json;
  std::string out;
  for (const PluginFinding& f : report.findings) {
    const bool failed = f.finding.kind == Finding::failed;
    const Json line{{"check", f.check},
                    {"of", f.part},
                    {"outcome", failed ? "failed" : name_of(f.finding.kind)},
                    {"text", f.finding.text}};
    out += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return out;
}

// One line for each part with its passed checks, followed by the other findings.
std::string table(const PluginReport& report, const std::string& path) {
  std::string out = report.title.empty() ? path + "\n" : report.title + "   " + path + "\n";
  std::size_t width = 6;
  for (const PluginFinding& f : report.findings) width = std::max(width, f.part.size());
  for (std::size_t i = 0; i < report.findings.size();) {
    const std::string part = report.findings[i].part;
    std::string passed, others;
    for (; i < report.findings.size() && report.findings[i].part == part; ++i) {
      const auto& [check, of, finding] = report.findings[i];
      if (finding.kind == Finding::ok)
        passed += " " + check;
      else
        others += std::string("    ") + padded(name_of(finding.kind), 8) + check + ": " +
                  indented(finding.text, "      ") + "\n";
    }
    out += "  " + padded(part.empty() ? "plugin" : part, width + 1) +
           (passed.empty() ? "" : " ok:" + passed) + "\n" + others;
  }
  return out + std::to_string(report.findings.size()) + " checks, " +
         std::to_string(report.count(Finding::warning)) + " warnings, " +
         std::to_string(report.count(Finding::skipped)) + " skipped, " +
         std::to_string(report.count(Finding::failed)) + " failed\n";
}

Checked here(const std::string& path, const CheckOptions& options) {
  if (options.only.size() > 1)
    throw Error("check: --in-process runs one check, and --only names " +
                std::to_string(options.only.size()) + ".");
  const std::string check = options.only.empty() ? "load" : options.only[0];
  Seed::of_this_process() = options.seed;
  const Finding finding = run_here(check, path, options.part);
  if (options.report) {
    std::string report = as_report(finding);
    if (check == "load" && finding.kind == Finding::ok) {
      report += title_here(path) + "\n";
      for (const Part& part : parts_here(path)) report += as_line(part);
    }
    write_report(report);
    return {"", true};
  }
  return {
      std::string(name_of(finding.kind)) + (finding.text.empty() ? "" : ": " + finding.text) + "\n",
      finding.kind != Finding::failed};
}

}  // namespace

std::string list_checks() {
  const char* const of[] = {"a plugin's file",     "a plugin", "a plugin",
                            "each layer and cell", "each op",  "each function"};
  std::string out, before;
  for (const PluginCheck& check : plugin_checks()) {
    if (before != of[check.of()]) out += std::string("Of ") + of[check.of()] + ":\n";
    before = of[check.of()];
    out += "  " + padded(check.name, 15) + check.sentence + "\n";
  }
  return out;
}

Checked check_plugin(const std::string& path, const CheckOptions& options) {
  if (options.in_process) return here(path, options);
  const int64_t drawn = std::random_device{}() % 1000000 + 1;
  const PluginReport report = conformance::check_plugin(
      {.path = path,
       .only = options.only,
       .part = options.part,
       .limits = {.seconds = options.seconds, .megabytes = options.megabytes},
       .others = options.others,
       .seed = options.seed > 0 ? options.seed : drawn});
  return {options.json ? json_lines(report) : table(report, path),
          report.count(Finding::failed) == 0};
}

}  // namespace tempo::command
