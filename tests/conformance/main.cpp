// SPDX-License-Identifier: Apache-2.0
// Checks the layers and cells of all installed plugins, and of the plugins named on the command
// line, and prints the table. Other words there are names of layers: then those alone are checked.
#include <iostream>
#include <set>
#include <span>

#include "conformance/rows.hpp"

int main(int count, char** arguments) {
  try {
    std::set<std::string> only;
    for (const std::string argument : std::span(arguments + 1, arguments + count))
      if (argument.ends_with(".so"))
        tempo::load_plugin(argument);
      else
        only.insert(argument);
    tempo::PluginList all = tempo::all_plugins();
    for (tempo::PluginContents& plugin : all.plugins)
      std::erase_if(plugin.layers, [&](const tempo_layer_type* type) {
        return !only.empty() && !only.contains(type->name);
      });
    for (const std::string& failure : all.failures) std::cout << "not loaded: " << failure << "\n";
    const tempo::conformance::Report report =
        tempo::conformance::check(all.plugins, tempo::conformance::rows());
    std::cout << report;
    return report.failures() == 0 && all.failures.empty() && !report.lines.empty() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cout << error.what() << "\n";
    return 2;
  }
}
