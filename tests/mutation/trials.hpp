// SPDX-License-Identifier: Apache-2.0
// Each mutant in a process of its own, which runs the parts of the suites that come by it.
#pragma once

#include <string>
#include <vector>

#include "mutation/mutants.hpp"
#include "mutation/suites.hpp"

namespace tempo::mutation {

/// A mutant, and the parts that come by its line, in the order in which they are tried.
struct Candidate {
  Mutant mutant;
  std::vector<std::size_t> parts;
};

/// What became of a mutant.
struct Finding {
  enum How : char {
    not_made,  ///< its line had nothing to change, wherever it was met
    survived,
    differs,   ///< a part does not hold, or throws
    crashed,   ///< a signal ended it
    too_long,  ///< it took many times as long as without the mutant
  } how = not_made;
  std::size_t part = 0;  ///< that found it

  bool is_kill() const { return how > survived; }
};

class Trials {
 public:
  explicit Trials(std::size_t workers);

  /// Runs every part as it is: which mutants there are. An Error if a part does not hold.
  std::vector<Candidate> candidates();
  std::vector<Finding> findings(const std::vector<Candidate>& candidates) const;

  std::size_t size() const { return parts_.size(); }
  double seconds_of(std::size_t part) const { return seconds_[part]; }
  const std::string& name_of(std::size_t part) const { return parts_[part].name; }
  bool is_gradcheck(std::size_t part) const { return part < n_gradchecks_; }

 private:
  Finding finding(const Candidate& candidate, Finding& shared) const;

  std::size_t workers_, n_gradchecks_;
  std::vector<Part> parts_;      // gradchecks, then comparisons
  std::vector<double> seconds_;  // of the processor that each takes
};

}  // namespace tempo::mutation
