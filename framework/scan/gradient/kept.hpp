// Which values of a step are kept for its gradient, and which are made again from those.
#pragma once

#include "program/program.hpp"

#include <map>
#include <set>
#include <vector>

namespace tempo {

/// Chooses the values to keep of every step. What is cheap to make from inputs, fixed values and
/// values that are kept anyway is not kept if that takes fewer bytes.
class KeptChoice {
 public:
  /// For a Program as traced, all in its loop. The values `there` are kept already.
  KeptChoice(const Program& program, const std::vector<int>& there);

  /// Makes all of these to be had.
  void cover(const std::vector<int>& read);
  bool has(int v) const { return kept_.count(v) > 0; }

 private:
  using Values = std::set<int>;
  Values to_keep_for(int v, std::map<int, Values>& known) const;
  bool to_be_had(int v) const;
  std::size_t bytes(const Values& values) const;

  const Program& p_;
  Values there_, kept_;
  std::vector<const Instruction*> makers_;  // of each value, or null
};

}  // namespace tempo
