// SPDX-License-Identifier: Apache-2.0
// The checks of `tempo check`: of a plugin as a file, of its layers and cells, of its ops and
// functions. Checks are data; each runs in a process of its own.
#pragma once

#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <tempo/load.hpp>

#include "check/child.hpp"

namespace tempo::conformance {

class Subject;

/// The finding of a check on a plugin, or on one thing in it.
struct Finding {
  enum Kind { ok, skipped, warning, failed } kind = ok;
  std::string text = "";  ///< why it is not ok
};
const char* name_of(Finding::Kind kind);

/// Thrown by a check for something that may be intended. Fault is a failure, Inapplicable skips;
/// any other exception is a failure, too.
struct Warning : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown by a check with a text that must be the same in each process; another one compares it.
struct Saw : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An op or function of a plugin, by its whole name, "plugin.op": the short name may belong to
/// another one, which would be found instead.
struct PluginOp {
  const tempo_op_type* type;
  std::string name;
};
struct PluginFunction {
  std::string kind;  ///< "activation"
  std::string name;
};

struct PluginCheck {
  using OnFile = void (*)(const std::string& path);  ///< which is not loaded
  struct OnLoading {
    void (*run)(const std::string& path);  ///< loads it
  };
  using OnPlugin = void (*)(const PluginContents& plugin);
  using OnLayer = void (*)(const Subject& subject);  ///< or a cell
  using OnOp = void (*)(const PluginOp& op);
  using OnFunction = void (*)(const PluginFunction& function);
  enum Of { file, loading, plugin, layer, op, function };  ///< in the order of `run`
  /// The host for the plugin: the usual one, or one of those in plugin/debug.
  enum Host { usual, watching, guarding_memory };

  std::string name;
  std::string sentence;
  std::variant<OnFile, OnLoading, OnPlugin, OnLayer, OnOp, OnFunction> run;
  Host host = usual;
  bool draws = false;  ///< it draws its inputs, from a seed
  bool twice = false;  ///< runs in two processes with equal results
  Of of() const { return static_cast<Of>(run.index()); }
};
using PluginChecks = std::vector<PluginCheck>;

/// In the order in which they run. Checks of the file come first; "load" finds the plugin's parts.
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

/// Whether a plugin may continue if this function of the host fails: it only asks for information.
bool only_asks(const std::string& function);
/// Whether this function of the host can never fail.
bool cannot_fail(const std::string& function);

/// Loads a plugin into this process, and returns its contents.
PluginContents loaded(const std::string& path);

/// One thing in a plugin, as findings name it: "Squash cell", "op test_squash", "activation
/// swoosh"; "" is the plugin itself.
struct Part {
  PluginCheck::Of of = PluginCheck::plugin;
  std::string name = "";
};

/// The seed of checks that draw random numbers.
struct Seed {
  static int64_t& of_this_process();
};

/// Runs a check in this process, which the plugin may crash. For a plugin that cannot be loaded,
/// each check fails.
Finding run_here(const std::string& check, const std::string& path, const std::string& part);
/// The parts of the plugin, found by loading it here.
std::vector<Part> parts_here(const std::string& path);
/// Name and version: "good 1.2.3".
std::string title_here(const std::string& path);

struct PluginFinding {
  std::string check, part;
  Finding finding;
};
struct PluginReport {
  std::string title = "";  ///< name and version; "" if it was not loaded
  std::vector<PluginFinding> findings;
  int count(Finding::Kind kind) const;
};

struct CheckedPlugin {
  std::string path;
  std::vector<std::string> only = {};  ///< names of checks; empty: all
  std::string part = "";               ///< the only part to check; "": all
  ChildLimits limits = {};
  std::vector<std::string> others = {};  ///< plugins to load before it
  int64_t seed = 0;
};
/// Runs the checks, each in a process of its own, which runs this program as
/// `tempo check --in-process --only CHECK --part PART PATH`.
PluginReport check_plugin(const CheckedPlugin& checked);

/// Encodes the report of a child, and decodes it in the parent.
std::string as_report(const Finding& finding);
std::string as_line(const Part& part);
Finding from_report(const std::string& text);

}  // namespace tempo::conformance
