// SPDX-License-Identifier: Apache-2.0
// The table of the checks of plugins, and the running of one here or of all in children.
#include "check/plugin_check.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include <tempo/names.hpp>

#include "check/checks.hpp"

namespace tempo::conformance {

namespace {

struct OfLayer {
  const char* name;
  const char* sentence;
  void (*run)(const Subject& subject);
};
// Beside those of the conformance suite.
const OfLayer of_layers[] = {
    {"options", "it is made with each option at its limits, and refuses what is past them",
     check_options_are_kept},
    {"ranks", "inputs of 0 to 8 axes and of no sequences are taken or refused", check_ranks},
    {"together", "called by two threads at once it gives the same bits", check_two_threads},
    {"leaks", "what is made, called and differentiated again and again takes no more memory",
     check_leaks},
};

struct OfOp {
  const char* name;
  const char* sentence;
  void (*run)(const tempo_op_type& type);
};
const OfOp of_ops[] = {
    {"runs", "it takes tensors or says why not, and gives the same bits again", check_op_runs},
    {"gradient", "its gradient is the slope of its values", check_op_gradient},
};

std::string part_name(const tempo_op_type& type) { return std::string("op ") + type.name; }

PluginContents loaded(const std::string& path) {
  load_plugin(path);
  std::error_code ignored;
  const std::string real = std::filesystem::canonical(path, ignored).string();
  for (const PluginContents& plugin : all_plugins().plugins)
    if (plugin.path == real) return plugin;
  throw Fault("it is loaded, and is not among the plugins that are.");
}

// A layer that takes none of the inputs that are tried is not checked further: the suite cannot
// know what it needs.
void run_on_layer(const Subject& subject, const std::string& name) {
  if (name != "made") try {
      check_made(subject);
    } catch (const std::exception&) {
      throw Inapplicable("it was not made");
    }
  for (const OfLayer& check : of_layers)
    if (name == check.name) return check.run(subject);
  for (const Check& check : checks())
    if (name == check.name) return check.run(subject);
  throw Fault("there is no such check of a layer.");
}

void run_on(const PluginContents& plugin, const std::string& name, const std::string& part) {
  if (part.empty() && name == "load") return;
  if (part.empty() && name == "described") return check_described(plugin);
  for (const Subject& subject : subjects({plugin}, {}))
    if (subject.name() == part) return run_on_layer(subject, name);
  for (const tempo_op_type* op : plugin.ops)
    for (const OfOp& check : of_ops)
      if (part_name(*op) == part && name == check.name) return check.run(*op);
  throw Fault("there is no such check of it, or no such part.");
}

}  // namespace

const char* name_of(Finding::Kind kind) {
  switch (kind) {
    case Finding::ok: return "ok";
    case Finding::skipped: return "skipped";
    case Finding::warning: return "warning";
    default: return "FAILED";
  }
}

const std::vector<PluginCheck>& plugin_checks() {
  static const std::vector<PluginCheck> all = [] {
    std::vector<PluginCheck> made{
        {"load", "the file is a whole plugin for this machine, and is loaded", PluginCheck::plugin},
        {"quiet",
         "to load it prints nothing; folder, locale, umask, rounding, signals and threads stay",
         PluginCheck::plugin},
        {"described", "each layer, op and option has a sentence, and each default is allowed",
         PluginCheck::plugin}};
    const auto add = [&](const char* name, const char* sentence, PluginCheck::Of of) {
      made.push_back({name, sentence, of});
    };
    add(checks().front().name, checks().front().sentence, PluginCheck::layer);
    for (const OfLayer& check : of_layers) add(check.name, check.sentence, PluginCheck::layer);
    for (const Check& check : checks())
      if (&check != &checks().front()) add(check.name, check.sentence, PluginCheck::layer);
    for (const OfOp& check : of_ops) add(check.name, check.sentence, PluginCheck::op);
    return made;
  }();
  return all;
}

Finding run_here(const std::string& check, const std::string& path, const std::string& part) {
  try {
    if (part.empty() && check == "quiet")
      check_quiet(path);
    else
      run_on(loaded(path), check, part);
  } catch (const NeedsRow& unknown) {
    return {Finding::skipped,
            unknown.why.empty() ? "nobody knows what to try for one of its options" : unknown.why};
  } catch (const Inapplicable& reason) {
    return {Finding::skipped, reason.what()};
  } catch (const Warning& warning) {
    return {Finding::warning, warning.what()};
  } catch (const std::exception& fault) {
    return {Finding::failed, fault.what()};
  }
  return {};
}

std::vector<Part> parts_here(const std::string& path) {
  const PluginContents plugin = loaded(path);
  std::vector<Part> all;
  for (const tempo_layer_type* type : plugin.layers)
    all.push_back({PluginCheck::layer, registered_name(*type)});
  for (const tempo_op_type* op : plugin.ops) all.push_back({PluginCheck::op, part_name(*op)});
  return all;
}

std::string title_here(const std::string& path) {
  const PluginContents plugin = loaded(path);
  return plugin.name + " " + plugin.version;
}

int PluginReport::count(Finding::Kind kind) const {
  return static_cast<int>(std::count_if(findings.begin(), findings.end(),
                                        [&](const auto& f) { return f.finding.kind == kind; }));
}

std::string as_report(const Finding& finding) {
  return std::string(1, "oswf"[finding.kind]) + finding.text;
}
Finding from_report(const std::string& text) {
  const std::string kinds = "oswf";
  const std::size_t kind = text.empty() ? kinds.npos : kinds.find(text[0]);
  if (kind == kinds.npos) return {Finding::failed, "it ended the process without a word."};
  return {static_cast<Finding::Kind>(kind), text.substr(1)};
}

namespace {

// No more than 2000 bytes, and no part of a character.
std::string beginning_of(const std::string& text) {
  std::size_t end = std::min<std::size_t>(text.size(), 2000);
  const auto goes_on = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  while (end > 0 && end < text.size() && goes_on(text[end])) --end;
  return text.substr(0, end);
}

// What the children of a check have in common.
struct Checked {
  const std::string& path;
  const ChildLimits& limits;
  const std::vector<std::string>& others;
};

// A report that came is not believed where the process did not end as it should.
Finding in_child(const Checked& checked, const std::string& check, const std::string& part,
                 std::string* report = nullptr) {
  std::vector<std::string> arguments{"check", "--in-process", "--report", "--only",
                                     check,   "--part",       part,       checked.path};
  for (const std::string& other : checked.others) {
    arguments.push_back("--plugin");
    arguments.push_back(other);
  }
  const ChildLimits& limits = checked.limits;
  const Ended ended = run_this_program(arguments, limits);
  if (report) *report = ended.report;
  if (const std::string end = end_of(ended, limits); !end.empty()) {
    const std::string said =
        ended.output.empty() ? "" : "\n  It said: " + beginning_of(ended.output);
    return {Finding::failed, end + said};
  }
  return from_report(ended.report);
}

// What the child of the check "load" says after its finding: the title, and a line for each part.
std::vector<Part> parts_of(const std::string& report, std::string& title) {
  std::vector<Part> all;
  for (std::size_t at = 1; at < report.size();) {
    const std::size_t end = std::min(report.find('\n', at), report.size());
    const std::string line = report.substr(at, end - at);
    if (title.empty())
      title = line;
    else if (!line.empty())
      all.push_back({line.starts_with("op ") ? PluginCheck::op : PluginCheck::layer, line});
    at = end + 1;
  }
  return all;
}

bool is_wanted(const std::vector<std::string>& only, const std::string& name) {
  return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
}

void require_known(const std::vector<std::string>& only) {
  std::vector<std::string> names;
  for (const PluginCheck& check : plugin_checks()) names.push_back(check.name);
  for (const std::string& name : only)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw Error("there is no check `" + name + "`" + sdk::did_you_mean(name, names) +
                  "\n  tempo check --list tells them all.");
}

}  // namespace

PluginReport check_plugin(const std::string& path, const std::vector<std::string>& only,
                          const ChildLimits& limits, const std::vector<std::string>& others) {
  require_known(only);
  const Checked checked{path, limits, others};
  PluginReport report;
  std::string loading;
  const Finding load = in_child(checked, "load", "", &loading);
  report.findings.push_back({"load", "", load});
  if (load.kind == Finding::failed) return report;
  const std::vector<Part> parts = parts_of(loading, report.title);
  const auto run = [&](const PluginCheck& check, const std::string& part) {
    report.findings.push_back({check.name, part, in_child(checked, check.name, part)});
  };
  for (const PluginCheck& check : plugin_checks())
    if (check.of == PluginCheck::plugin && check.name != "load" && is_wanted(only, check.name))
      run(check, "");
  for (const Part& part : parts) {
    bool was_made = true;
    for (const PluginCheck& check : plugin_checks()) {
      if (check.of != part.of || !is_wanted(only, check.name) || !was_made) continue;
      run(check, part.name);
      const bool is_first = check.name == checks().front().name;
      was_made = !is_first || report.findings.back().finding.kind == Finding::ok;
    }
  }
  return report;
}

}  // namespace tempo::conformance
