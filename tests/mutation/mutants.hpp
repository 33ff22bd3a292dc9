// SPDX-License-Identifier: Apache-2.0
// Mistakes made on purpose while a program runs: where there are lines of ops to change, and what a
// change makes of a line.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "graph/value.hpp"
#include "program/program.hpp"

namespace tempo::mutation {

/// One change to one line of one rule, pass or step.
struct Mutant {
  std::string site;  ///< "vjp tanh.0", "pass merge", "cell LSTM"
  std::string op;    ///< of the line, or "result": what the site gives as it was given it
  int ordinal = 0;   ///< among the site's lines of that op, from 0
  std::string change;

  std::string text() const;
  friend auto operator<=>(const Mutant&, const Mutant&) = default;
};

/// What this process does with the lines that it comes by.
struct Mode {
  std::set<Mutant>* found = nullptr;  ///< notes which mutants there are
  const Mutant* armed = nullptr;      ///< makes this one's change
  bool* applied = nullptr;            ///< whether it was made
  bool verifies = false;              ///< Programs, after each pass, as a checked build does

  bool looks_at(const std::string& site) const { return found || (armed && armed->site == site); }
  bool is_armed(const std::string& site, const std::string& op, int ordinal) const {
    return armed && armed->site == site && armed->op == op && armed->ordinal == ordinal;
  }
  void note(const std::string& site, const std::string& op, int ordinal,
            std::vector<std::string> changes) const {
    if (!found) return;
    for (std::string& change : changes) found->insert({site, op, ordinal, std::move(change)});
  }
};
Mode& mode();

/// Lets the rules of all ops go through here, and finds the cells that there are, whose steps do
/// by the linker, as passes do.
void watch_rules();

/// The passes of the pipelines that are not watched: there must be none.
std::vector<std::string> unwatched_passes();

/// What a rule or a step computes, line by line, with the armed change.
Tensors recorded(const std::string& site, const std::function<Tensors()>& rule);

/// A line as the changes see it.
struct LineShape {
  const OpDefinition* op;
  std::size_t n_inputs, n_outputs;
  const Attributes& attributes;
};
/// Whether a line makes zeros: their sign, factor and presence are no change.
bool makes_zeros(const OpDefinition& op, const Attributes& attributes);
/// Whether such a change of an operand can change what the op gives: not the sign for square, not
/// a factor for a comparison with 0.
bool is_seen(const OpDefinition& op, std::size_t operand, const std::string& change,
             bool beside_zero);
/// The names of changes that lines of rules and of Programs share: of the order of operands or
/// results, and of attributes.
std::vector<std::string> shared_changes(const LineShape& line);
/// The attributes after such a change.
Attributes changed_attributes(const Attributes& attributes, const std::string& change);

}  // namespace tempo::mutation
