// SPDX-License-Identifier: Apache-2.0
// Checks the layers and cells of all installed plugins, and of those named on the command line, and
// prints the table.
#include <iostream>

#include "conformance.hpp"

int main(int count, char** arguments) {
  try {
    for (int i = 1; i < count; ++i) tempo::load_plugin(arguments[i]);
    const tempo::PluginList all = tempo::all_plugins();
    for (const std::string& failure : all.failures) std::cout << "not loaded: " << failure << "\n";
    const tempo::conformance::Report report = tempo::conformance::check(all.plugins);
    std::cout << report;
    return report.failures() == 0 && all.failures.empty() && !report.lines.empty() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cout << error.what() << "\n";
    return 2;
  }
}
