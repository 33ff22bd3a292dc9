// SPDX-License-Identifier: Apache-2.0
// The checks of `tempo check`: of a plugin as a file, of its layers and cells, of its ops. They are
// data; each runs in a process of its own.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <tempo/load.hpp>

#include "check/child.hpp"

namespace tempo::conformance {

/// What a check says of a plugin, or of one thing in it.
struct Finding {
  enum Kind { ok, skipped, warning, failed } kind = ok;
  std::string text = "";  ///< why it is not ok
};
const char* name_of(Finding::Kind kind);

struct PluginCheck {
  enum Of { plugin, layer, op };  ///< what it looks at; cells are layers, too
  std::string name;
  std::string sentence;
  Of of;
};
/// In the order in which they run. The first, "load", says what the plugin has.
const std::vector<PluginCheck>& plugin_checks();

/// One thing that a plugin has, as a finding names it: "Squash cell", "op test_squash"; the plugin
/// itself is "".
struct Part {
  PluginCheck::Of of = PluginCheck::plugin;
  std::string name = "";
};

/// Runs a check in this process, whatever comes of it. A plugin that cannot be loaded is a failure
/// of each check.
Finding run_here(const std::string& check, const std::string& path, const std::string& part);
/// What the plugin has, by loading it here.
std::vector<Part> parts_here(const std::string& path);
/// "good 1.2.3"
std::string title_here(const std::string& path);

struct PluginFinding {
  std::string check, part;
  Finding finding;
};
struct PluginReport {
  std::string title = "";  ///< name and version; "" where it was not loaded
  std::vector<PluginFinding> findings;
  int count(Finding::Kind kind) const;
};

/// Runs the checks (of these names; all, where there are none), each in a process of its own, which
/// runs this program as `tempo check --in-process --only CHECK --part PART PATH`. There these other
/// plugins are loaded first.
PluginReport check_plugin(const std::string& path, const std::vector<std::string>& only,
                          const ChildLimits& limits, const std::vector<std::string>& others = {});

/// What a child reports, and what its parent makes of it.
std::string as_report(const Finding& finding);
Finding from_report(const std::string& text);

/// The checks behind the names; each throws Fault, Inapplicable or Warning, or any other exception,
/// which is a failure, too.
class Subject;
struct Warning : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void check_quiet(const std::string& path);
void check_described(const PluginContents& plugin);
void check_options_are_kept(const Subject& subject);
void check_ranks(const Subject& subject);
void check_two_threads(const Subject& subject);
void check_leaks(const Subject& subject);
void check_op_runs(const tempo_op_type& type);
void check_op_gradient(const tempo_op_type& type);

}  // namespace tempo::conformance
