// SPDX-License-Identifier: Apache-2.0
// The checks of `tempo check`: of a plugin as a file, of its layers and cells, of its ops and
// functions. They are data; each runs in a process of its own.
#pragma once

#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <tempo/load.hpp>

#include "check/child.hpp"

namespace tempo::conformance {

class Subject;

/// What a check says of a plugin, or of one thing in it.
struct Finding {
  enum Kind { ok, skipped, warning, failed } kind = ok;
  std::string text = "";  ///< why it is not ok
};
const char* name_of(Finding::Kind kind);

/// Thrown by a check that found what may be meant. Fault is a failure, Inapplicable skips; any
/// other exception is a failure, too.
struct Warning : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown by a check that saw what each process must see: another one compares it, line by line.
struct Saw : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a plugin has besides layers, with its whole name, "plugin.op"; the short one may be that of
/// another, which is found in its place.
struct PluginOp {
  const tempo_op_type* type;
  std::string name;
};
struct PluginFunction {
  std::string kind;  ///< "activation"
  std::string name;
};

struct PluginCheck {
  using OnFile = void (*)(const std::string& path);  ///< that is not loaded
  struct OnLoading {
    void (*run)(const std::string& path);  ///< loads it
  };
  using OnPlugin = void (*)(const PluginContents& plugin);
  using OnLayer = void (*)(const Subject& subject);  ///< of cells, too
  using OnOp = void (*)(const PluginOp& op);
  using OnFunction = void (*)(const PluginFunction& function);
  enum Of { file, loading, plugin, layer, op, function };  ///< what it looks at, as `run` has it
  /// The host that the plugin is given: the usual one, or the one of plugin/debug.
  enum Host { usual, watching, guarding_memory };

  std::string name;
  std::string sentence;
  std::variant<OnFile, OnLoading, OnPlugin, OnLayer, OnOp, OnFunction> run;
  Host host = usual;
  bool draws = false;  ///< what it tries, from a seed
  bool twice = false;  ///< in two processes, which must see the same
  Of of() const { return static_cast<Of>(run.index()); }
};
using PluginChecks = std::vector<PluginCheck>;

/// In the order in which they run. Those of the file come first; "load" says what the plugin has.
const PluginChecks& plugin_checks();
/// Each adds the checks of its kind.
void add_file_checks(PluginChecks& all);
void add_loading_checks(PluginChecks& all);
void add_option_checks(PluginChecks& all);
void add_shape_checks(PluginChecks& all);
void add_value_checks(PluginChecks& all);
void add_gradient_checks(PluginChecks& all);
void add_ownership_checks(PluginChecks& all);
void add_speed_checks(PluginChecks& all);
void add_op_checks(PluginChecks& all);
void add_function_checks(PluginChecks& all);

/// Whether a plugin may go on where this function of the host fails: it only asks what there is.
bool only_asks(const std::string& function);
/// Whether it does nothing that could fail.
bool cannot_fail(const std::string& function);

/// Loads a plugin here, and says what it has.
PluginContents loaded(const std::string& path);

/// One thing that a plugin has, as a finding names it: "Squash cell", "op test_squash",
/// "activation swoosh"; the plugin itself is "".
struct Part {
  PluginCheck::Of of = PluginCheck::plugin;
  std::string name = "";
};

/// Where the checks that draw begin.
struct Seed {
  static int64_t& of_this_process();
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

struct CheckedPlugin {
  std::string path;
  std::vector<std::string> only = {};  ///< names of checks; all, where there are none
  std::string part = "";               ///< what to look at alone; "" for all of it
  ChildLimits limits = {};
  std::vector<std::string> others = {};  ///< plugins that are loaded before it
  int64_t seed = 0;
};
/// Runs the checks, each in a process of its own, which runs this program as
/// `tempo check --in-process --only CHECK --part PART PATH`.
PluginReport check_plugin(const CheckedPlugin& checked);

/// What a child reports, and what its parent makes of it.
std::string as_report(const Finding& finding);
std::string as_line(const Part& part);
Finding from_report(const std::string& text);

}  // namespace tempo::conformance
