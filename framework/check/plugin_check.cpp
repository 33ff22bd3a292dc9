// SPDX-License-Identifier: Apache-2.0
// The list of the checks of plugins; it runs one of them here, or all of them in children.
#include "check/plugin_check.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include <tempo/names.hpp>

#include "check/checks.hpp"
#include "plugin/debug/host.hpp"

namespace tempo::conformance {

namespace {

std::string part_name(const tempo_op_type& type) { return std::string("op ") + type.name; }
std::string part_name(const PluginContents::Function& f) { return f.kind + " " + f.type->name; }

// A layer that takes none of the tried inputs is not checked further: the suite cannot know what it
// needs. It runs in a copy of this process, so that the plugin here stays unused.
void require_made(const Subject& subject) {
  try {
    in_fork([&]() -> std::string { return check_made(subject), ""; });
  } catch (const std::exception&) {
    throw Inapplicable("it was not made");
  }
}

const PluginCheck& check_named(const std::string& name) {
  for (const PluginCheck& check : plugin_checks())
    if (check.name == name) return check;
  throw Fault("there is no such check.");
}

[[noreturn]] void no_such_part(const std::string& part) {
  throw Fault("the plugin has no `" + part + "` for this check.");
}

void run_on(const PluginContents& plugin, const PluginCheck& check, const std::string& part) {
  if (const auto* on_plugin = std::get_if<PluginCheck::OnPlugin>(&check.run))
    return (*on_plugin)(plugin);
  if (const auto* on_layer = std::get_if<PluginCheck::OnLayer>(&check.run)) {
    for (const Subject& subject : subjects({plugin}, {})) {
      if (subject.name() != part) continue;
      if (*on_layer != &check_made) require_made(subject);
      return (*on_layer)(subject);
    }
    no_such_part(part);
  }
  if (const auto* on_op = std::get_if<PluginCheck::OnOp>(&check.run)) {
    for (const tempo_op_type* op : plugin.ops)
      if (part_name(*op) == part) return (*on_op)({op, plugin.name + "." + op->name});
    no_such_part(part);
  }
  for (const PluginContents::Function& f : plugin.functions)
    if (part_name(f) == part)
      return std::get<PluginCheck::OnFunction>(check.run)(
          {f.kind, plugin.name + "." + f.type->name});
  no_such_part(part);
}

void run(const PluginCheck& check, const std::string& path, const std::string& part) {
  if (check.host != PluginCheck::usual)
    tempo::check_extension().watch(
        path.c_str(), check.host == PluginCheck::guarding_memory ? TEMPO_WATCH_MEMORY : 0);
  if (const auto* on_file = std::get_if<PluginCheck::OnFile>(&check.run)) return (*on_file)(path);
  if (const auto* loading = std::get_if<PluginCheck::OnLoading>(&check.run))
    return loading->run(path);
  run_on(loaded(path), check, part);
}

}  // namespace

PluginContents loaded(const std::string& path) {
  std::error_code ignored;  // before loading, which may change the folder
  const std::string real = std::filesystem::canonical(path, ignored).string();
  load_plugin(path);
  for (const PluginContents& plugin : all_plugins().plugins)
    if (plugin.path == real) return plugin;
  throw Fault("it is loaded, and is not among the plugins that are.");
}

int64_t& Seed::of_this_process() {
  static int64_t seed = 0;
  return seed;
}

bool only_asks(const std::string& function) {
  for (const char* one : {"find_op", "last_error", "view", "view_layer", "layer_weight",
                          "layer_child", "layer_states"})
    if (function == one) return true;
  return false;
}
bool cannot_fail(const std::string& function) {
  return function == "fail" || function.starts_with("retain") || function.starts_with("release");
}

const char* name_of(Finding::Kind kind) {
  switch (kind) {
    case Finding::ok: return "ok";
    case Finding::skipped: return "skipped";
    case Finding::warning: return "warning";
    default: return "FAILED";
  }
}

const PluginChecks& plugin_checks() {
  static const PluginChecks all = [] {
    PluginChecks made;
    add_file_checks(made);
    add_loading_checks(made);
    const auto add_suite = [&](const auto& begin, const auto& end) {
      for (auto check = begin; check != end; ++check)
        made.push_back({check->name, check->sentence, check->run});
    };
    add_suite(checks().begin(), checks().begin() + 1);
    add_option_checks(made);
    add_shape_checks(made);
    add_value_checks(made);
    add_suite(checks().begin() + 1, checks().end());
    add_gradient_checks(made);
    add_ownership_checks(made);
    add_speed_checks(made);
    add_op_checks(made);
    add_function_checks(made);
    return made;
  }();
  return all;
}

Finding run_here(const std::string& check, const std::string& path, const std::string& part) {
  try {
    run(check_named(check), path, part);
  } catch (const NeedsRow& unknown) {
    return {Finding::skipped,
            unknown.why.empty() ? "nobody knows what to try for one of its options" : unknown.why};
  } catch (const Inapplicable& reason) {
    return {Finding::skipped, reason.what()};
  } catch (const Warning& warning) {
    return {Finding::warning, warning.what()};
  } catch (const MayBeMeant& warning) {
    return {Finding::warning, warning.what()};
  } catch (const Saw& saw) {
    return {Finding::ok, saw.what()};
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
  for (const PluginContents::Function& f : plugin.functions)
    all.push_back({PluginCheck::function, part_name(f)});
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

std::string as_line(const Part& part) { return std::to_string(part.of) + part.name + "\n"; }
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

// At most 2000 bytes, without a broken character at the end.
std::string beginning_of(const std::string& text) {
  std::size_t end = std::min<std::size_t>(text.size(), 2000);
  const auto goes_on = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  while (end > 0 && end < text.size() && goes_on(text[end])) --end;
  return text.substr(0, end);
}

// A report is not trusted if the process did not end normally.
Finding in_child(const CheckedPlugin& checked, const PluginCheck& check, const std::string& part,
                 std::string* report = nullptr) {
  const std::string again = "--reproduce";
  const std::string seed = std::to_string(checked.seed);
  std::vector<std::string> arguments{"check",  "--in-process", "--report", "--only", check.name,
                                     "--part", part,           again,      seed,     checked.path};
  for (const std::string& other : checked.others) {
    arguments.push_back("--plugin");
    arguments.push_back(other);
  }
  const Ended ended = run_this_program(arguments, checked.limits);
  if (report) *report = ended.report;
  Finding finding = from_report(ended.report);
  if (const std::string end = end_of(ended, checked.limits); !end.empty())
    finding = {Finding::failed,
               end + (ended.output.empty() ? "" : "\n  It said: " + beginning_of(ended.output))};
  if (check.draws && finding.kind == Finding::failed)
    finding.text += "\n  " + again + " " + seed + " tries the same again.";
  return finding;
}

std::string first_difference(const std::string& a, const std::string& b) {
  const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto line = [](const std::string& text, std::string::const_iterator place) {
    const auto i = static_cast<std::size_t>(place - text.begin());
    const std::size_t begin = i == 0 ? 0 : text.rfind('\n', i - 1) + 1;
    return text.substr(begin, text.find('\n', i) - begin);
  };
  return "`" + line(a, at.first) + "` and then `" + line(b, at.second) + "`";
}

// Runs the check in two processes, which load the plugin anew, at different addresses.
Finding in_two_children(const CheckedPlugin& checked, const PluginCheck& check,
                        const std::string& part) {
  const Finding one = in_child(checked, check, part);
  if (one.kind != Finding::ok) return one;
  const Finding two = in_child(checked, check, part);
  if (two.kind != Finding::ok) return two;
  if (one.text == two.text) return {};
  return {Finding::failed,
          "in another process it has something else: " + first_difference(one.text, two.text)};
}

// Parses the report of the check "load" after its finding: a title, and a line for each part.
std::vector<Part> parts_of(const std::string& report, std::string& title) {
  std::vector<Part> all;
  for (std::size_t at = 1; at < report.size();) {
    const std::size_t end = std::min(report.find('\n', at), report.size());
    const std::string line = report.substr(at, end - at);
    if (title.empty())
      title = line;
    else if (!line.empty())
      all.push_back({static_cast<PluginCheck::Of>(line[0] - '0'), line.substr(1)});
    at = end + 1;
  }
  return all;
}

void require_known(const std::vector<std::string>& only) {
  std::vector<std::string> names;
  for (const PluginCheck& check : plugin_checks()) names.push_back(check.name);
  for (const std::string& name : only)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw Error("there is no check `" + name + "`" + sdk::did_you_mean(name, names) +
                  "\n  tempo check --list tells them all.");
}

void require_part(const std::vector<Part>& parts, const std::string& name) {
  std::vector<std::string> names;
  for (const Part& part : parts) names.push_back(part.name);
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw Error("the plugin has no `" + name + "`" + sdk::did_you_mean(name, names) +
                "\n  It has " + (names.empty() ? "nothing" : sdk::listed(names)) + ".");
}

}  // namespace

PluginReport check_plugin(const CheckedPlugin& checked) {
  require_known(checked.only);
  PluginReport report;
  const auto is_wanted = [&](const PluginCheck& check) {
    const auto& only = checked.only;
    return only.empty() || std::find(only.begin(), only.end(), check.name) != only.end();
  };
  const auto run = [&](const PluginCheck& check, const std::string& part) {
    report.findings.push_back(
        {check.name, part,
         check.twice ? in_two_children(checked, check, part) : in_child(checked, check, part)});
    return report.findings.back().finding.kind;
  };
  const auto run_all = [&](PluginCheck::Of of, const std::string& part) {
    for (const PluginCheck& check : plugin_checks()) {
      if (check.of() != of || check.name == "load" || !is_wanted(check)) continue;
      const bool is_first = check.name == checks().front().name;
      if (run(check, part) != Finding::ok && is_first) return;  // the layer was not made
    }
  };
  if (checked.part.empty()) run_all(PluginCheck::file, "");
  std::string loading;
  const Finding load = in_child(checked, check_named("load"), "", &loading);
  const bool is_there = load.kind != Finding::failed;
  report.findings.push_back({"load", "", is_there ? Finding{load.kind} : load});
  if (!is_there) return report;
  const std::vector<Part> parts = parts_of(loading, report.title);
  if (checked.part.empty()) {
    run_all(PluginCheck::loading, "");
    run_all(PluginCheck::plugin, "");
  } else {
    require_part(parts, checked.part);
  }
  for (const Part& part : parts)
    if (checked.part.empty() || checked.part == part.name) run_all(part.of, part.name);
  return report;
}

}  // namespace tempo::conformance
