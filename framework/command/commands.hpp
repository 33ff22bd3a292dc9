// SPDX-License-Identifier: Apache-2.0
// The subcommands of `tempo`, one function for each. They return the text to print, and throw
// Error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tempo::command {

/// The installed layers, by plugin, and the plugins that could not be loaded.
std::string list_layers();
/// The layer and the cell of this name, with a table of their options.
std::string describe_layer(const std::string& name);
/// The plugin in this file alone, in the form of list_layers.
std::string list_plugin(const std::string& path);
/// As list_layers, or describe_layer for a name, but in a child process: a plugin that crashes it
/// is named. `plugins` are loaded there first.
std::string scan_layers(const std::string& name, const std::vector<std::string>& plugins);
/// The report of a scan's child: a list, or an error.
std::string list_report(const std::string& list);
std::string error_report(const std::string& error);

/// The Programs of a layer with options such as "units=128" on inputs of these shapes; or the
/// Program of its stream.
std::string explain_layer(const std::string& name, const std::vector<std::string>& options,
                          const std::vector<std::string>& shapes, const std::string& dtype,
                          bool stream);

/// The examples from which a new plugin can be made, one per line.
std::string list_plugin_examples();
/// Writes the folder `name`: an example under that name. Returns the list of files and the next
/// steps. If it fails, nothing is left.
std::string new_plugin(const std::string& name, const std::string& like);

struct CheckOptions {
  std::vector<std::string> only = {};  ///< names of checks; empty: all
  bool json = false;
  int seconds = 60;  ///< limit for one check
  int64_t megabytes = 4096;
  int64_t seed = 0;                      ///< of random inputs; 0: a new one in each run
  bool in_process = false;               ///< runs one check here: for a debugger
  std::string part = "";                 ///< the only part to check: "Squash cell"
  bool report = false;                   ///< whether this is a child that runs a check
  std::vector<std::string> others = {};  ///< plugins that its layers need
};
struct Checked {
  std::string text;
  bool passed;
};
/// All checks, each with its sentence.
std::string list_checks();
/// Checks the plugin in this file, each check in a process of its own.
Checked check_plugin(const std::string& path, const CheckOptions& options);

}  // namespace tempo::command
