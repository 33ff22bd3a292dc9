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
/// The Programs of a layer, made with options such as "units=128", on an input of this shape; or
/// the one of a stream of it.
std::string explain_layer(const std::string& name, const std::vector<std::string>& options,
                          const std::string& shape, const std::string& dtype, bool stream);

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
  bool in_process = false;               ///< one check, here: for a debugger
  std::string part = "";                 ///< of what, then: "Squash cell"
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
