// SPDX-License-Identifier: Apache-2.0
// Chooses the values of a step that are kept for its gradient; the others are recomputed from them.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "program/uses.hpp"

namespace tempo {

/// Chooses the values to keep of every step. A value that is cheap to compute from inputs, fixed
/// values and other kept values is not kept if that takes fewer bytes.
class KeptChoice {
 public:
  /// For a normalised Program with all in its loop. The values `there` are kept already.
  KeptChoice(const Program& program, const ValueIds& there);

  /// Ensures that every value in `read` is kept or can be recomputed.
  void cover(const ValueIds& read);
  bool has(ValueId v) const { return kept_.count(v) > 0; }

 private:
  using Values = std::set<ValueId>;
  Values to_keep_for(ValueId v, std::map<ValueId, Values>& known) const;
  bool is_available(ValueId v) const;
  std::size_t bytes(const Values& values) const;

  const Program& p_;
  const Uses uses_;
  const ValueSet there_;
  Values kept_;
};

}  // namespace tempo
