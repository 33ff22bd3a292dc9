// SPDX-License-Identifier: Apache-2.0
// What the `tempo` command does, one function for each of its subcommands. They return the text to
// print, and throw Error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tempo::command {

/// What is installed, by plugin, and which plugins could not be loaded.
std::string list_layers();
/// The layer and the cell of that name, with a table of their options.
std::string describe_layer(const std::string& name);
/// The plugin of that file alone, as list_layers has it.
std::string list_plugin(const std::string& path);
/// The same as list_layers, or describe_layer of a name, in a process of its own: a plugin that
/// ends it is named. These plugins are loaded there first.
std::string scan_layers(const std::string& name, const std::vector<std::string>& plugins);
/// What the child of such a scan says: a list, or why there is none.
std::string list_report(const std::string& list);
std::string error_report(const std::string& error);

/// The Programs of a layer, made with options such as "units=128", on inputs of these shapes; or
/// the one of a stream of it.
std::string explain_layer(const std::string& name, const std::vector<std::string>& options,
                          const std::vector<std::string>& shapes, const std::string& dtype,
                          bool stream);

/// What a new plugin can begin as, a line for each.
std::string list_plugin_examples();
/// Writes the folder `name`, of an example under that name; which files, and what comes next. Where
/// it fails, nothing is left.
std::string new_plugin(const std::string& name, const std::string& like);

struct CheckOptions {
  std::vector<std::string> only = {};  ///< names of checks; none: all
  bool json = false;
  int seconds = 60;  ///< that one check may take
  int64_t megabytes = 4096;
  int64_t seed = 0;                      ///< of what is drawn; 0: another one each time
  bool in_process = false;               ///< one check, here: for a debugger
  std::string part = "";                 ///< to look at alone: "Squash cell"
  bool report = false;                   ///< this is the child that a check runs in
  std::vector<std::string> others = {};  ///< plugins that its layers need
};
struct Checked {
  std::string text;
  bool passed;
};
/// The checks there are, each with its sentence.
std::string list_checks();
/// Checks the plugin in that file, each check in a process of its own.
Checked check_plugin(const std::string& path, const CheckOptions& options);

}  // namespace tempo::command
