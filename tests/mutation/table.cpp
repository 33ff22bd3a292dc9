// SPDX-License-Identifier: Apache-2.0
// The table, in Markdown; survivors are looked for among the explanations of equivalent.txt.
#include "mutation/table.hpp"

#include <fnmatch.h>

#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>

#include <tempo/error.hpp>

namespace tempo::mutation {

namespace {

constexpr double enough = 98, enough_of_some = 90;  // percent; a few may be of the worse ones

// Lines of equivalent.txt: a pattern of mutants, ` | `, and why they change no result.
struct Explanation {
  std::string pattern;
  mutable int survivors = 0;

  bool fits(const std::string& mutant) const {
    return fnmatch(pattern.c_str(), mutant.c_str(), 0) == 0;
  }
};

std::vector<Explanation> read_explanations() {
  std::ifstream file(TEMPO_SOURCE_DIR "/tests/mutation/equivalent.txt");
  std::vector<Explanation> all;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t at = line.find(" | ");
    if (at == line.npos) throw Error("equivalent.txt: there is no reason in `" + line + "`.");
    all.push_back({line.substr(0, at)});
  }
  return all;
}

struct Count {
  int mutants = 0, killed = 0, by_gradcheck = 0, equivalent = 0;
  int survived() const { return mutants - killed - equivalent; }
  double share() const { return 100.0 * killed / std::max(1, mutants - equivalent); }
};

void print(const std::string& name, const Count& c) {
  std::cout << "| " << name << " | " << c.mutants << " | " << c.killed << " | " << c.by_gradcheck
            << " | " << c.equivalent << " | " << c.survived() << " | " << std::fixed
            << std::setprecision(1) << c.share() << " % |\n";
}

std::string kind_of(const Mutant& mutant) {
  static const std::map<std::string, std::string> names{
      {"vjp", "formulas of gradients"}, {"pass", "passes"}, {"cell", "steps of cells"}};
  return names.at(mutant.site.substr(0, mutant.site.find(' ')));
}

}  // namespace

bool report(const Trials& trials, const std::vector<Candidate>& candidates,
            const std::vector<Finding>& findings, bool all) {
  const std::vector<Explanation> explanations = read_explanations();
  std::map<std::string, Count> counts;
  Count whole;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Mutant& mutant = candidates[i].mutant;
    const Finding& found = findings[i];
    if (found.how == Finding::not_made) continue;
    bool explained = false;
    if (found.how == Finding::survived)
      for (const Explanation& e : explanations)
        if (e.fits(mutant.text())) {
          explained = true;
          ++e.survivors;
        }
    for (Count* c : {&counts[kind_of(mutant)], &whole}) {
      ++c->mutants;
      c->killed += found.is_kill();
      c->by_gradcheck += found.is_kill() && trials.is_gradcheck(found.part);
      c->equivalent += explained;
    }
    if (!found.is_kill() && !explained) std::cout << "not explained: " << mutant.text() << '\n';
  }
  bool each_explains = true;
  for (const Explanation& e : explanations)
    if (all && e.survivors == 0) {
      std::cout << "equivalent.txt: no survivor is `" << e.pattern << "`\n";
      each_explains = false;
    }
  std::cout
      << "| | mutants | killed | by gradcheck alone | equivalent | survived | killed of those "
         "that change a result |\n|---|---|---|---|---|---|---|\n";
  for (const auto& [kind, count] : counts) print(kind, count);
  print("all", whole);
  return whole.mutants > 0 && whole.share() >= (all ? enough : enough_of_some) && each_explains;
}

}  // namespace tempo::mutation
