// SPDX-License-Identifier: Apache-2.0
// Prints the table of layers and checks, and the texts for its entries.
#include <algorithm>
#include <ostream>
#include <stdexcept>

#include <tempo/names.hpp>

#include "check/conformance.hpp"

namespace tempo::conformance {

namespace {

using sdk::padded;

const char* mark(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::passed: return "ok";
    case Outcome::excepted: return "-";
    default: return "FAILED";
  }
}

// Lists the outcomes of one kind with layer and check; checks with equal texts share a line.
void list(std::ostream& out, const Report& report, Outcome::Kind kind, const char* title) {
  const std::vector<std::string> names = check_names();
  bool any = false;
  for (const Line& line : report.lines) {
    std::vector<std::pair<std::string, std::string>> said;  // text, checks
    for (std::size_t i = 0; i < line.outcomes.size(); ++i) {
      const Outcome& its = line.outcomes[i];
      if (its.kind != kind) continue;
      const auto same = std::find_if(said.begin(), said.end(),
                                     [&](const auto& entry) { return entry.first == its.text; });
      if (same == said.end())
        said.emplace_back(its.text, names[i]);
      else
        same->second += ", " + names[i];
    }
    if (!said.empty() && !any) out << "\n" << title << "\n";
    any = any || !said.empty();
    for (const auto& [text, checks] : said)
      out << "  " << line.layer << " | " << checks << ": " << text << "\n";
  }
}

}  // namespace

int Report::failures() const {
  int n = 0;
  for (const Line& line : lines)
    n +=
        static_cast<int>(std::count_if(line.outcomes.begin(), line.outcomes.end(),
                                       [](const Outcome& o) { return o.kind == Outcome::failed; }));
  return n;
}

const Outcome& Report::at(const std::string& layer, const std::string& check) const {
  const std::vector<std::string> names = check_names();
  const auto column = std::find(names.begin(), names.end(), check);
  for (const Line& line : lines)
    if (line.layer == layer && column != names.end())
      return line.outcomes.at(static_cast<std::size_t>(column - names.begin()));
  throw std::out_of_range("conformance: no `" + check + "` of `" + layer + "`");
}

std::ostream& operator<<(std::ostream& out, const Report& report) {
  const std::vector<std::string> names = check_names(), sentences = check_sentences();
  std::size_t width = 5;
  for (const Line& line : report.lines) width = std::max(width, line.layer.size());
  out << padded("layer", width);
  for (const std::string& name : names) out << "  " << padded(name, 6);
  out << "\n";
  for (const Line& line : report.lines) {
    out << padded(line.layer, width);
    for (std::size_t i = 0; i < line.outcomes.size(); ++i)
      out << "  " << padded(mark(line.outcomes[i]), std::max(names[i].size(), std::size_t{6}));
    out << "\n";
  }
  out << "\nChecks\n";
  for (std::size_t i = 0; i < names.size(); ++i)
    out << "  " << padded(names[i], 9) << sentences[i] << "\n";
  list(out, report, Outcome::excepted, "Does not apply, and why");
  list(out, report, Outcome::failed, "FAILED");
  return out << "\n"
             << report.lines.size() << " layers and cells, " << names.size() << " checks, "
             << report.failures() << " failed\n";
}

}  // namespace tempo::conformance
