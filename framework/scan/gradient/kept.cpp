// SPDX-License-Identifier: Apache-2.0
// Starts from all values that the gradient reads, and drops those that are cheaper to recompute.
#include "scan/gradient/kept.hpp"

namespace tempo {

KeptChoice::KeptChoice(const Program& program, const ValueIds& there)
    : p_(program), uses_(program), there_(there), kept_(there.begin(), there.end()) {}

// Keeps all of them at first. Then, from the last made to the first, drops each value for which
// keeping others in its place, to recompute it from, takes fewer bytes.
void KeptChoice::cover(const ValueIds& read) {
  for (ValueId v : read)
    if (!is_available(v)) kept_.insert(v);
  for (auto n = static_cast<int32_t>(p_.values.size()); n-- > 0;) {
    const ValueId v{n};
    if (!has(v) || there_.contains(v)) continue;
    kept_.erase(v);
    std::map<ValueId, Values> known;
    kept_.merge(to_keep_for(v, known));
  }
}

// The cheapest set of extra values to keep so that v can be recomputed.
KeptChoice::Values KeptChoice::to_keep_for(ValueId v, std::map<ValueId, Values>& known) const {
  if (is_available(v)) return {};
  if (const auto at = known.find(v); at != known.end()) return at->second;
  Values best{v};
  const Instruction* made = uses_.maker(v);
  if (made && made->op->cheap) {
    Values others;
    for (ValueId input : made->inputs) others.merge(to_keep_for(input, known));
    if (bytes(others) < bytes(best)) best = std::move(others);
  }
  return known[v] = best;
}

bool KeptChoice::is_available(ValueId v) const {
  return has(v) || p_.is_fixed(v) || (p_.is_sequence(v) && !uses_.maker(v));
}

std::size_t KeptChoice::bytes(const Values& values) const {
  std::size_t sum = 0;
  for (ValueId v : values) sum += p_.type(v).bytes();
  return sum;
}

}  // namespace tempo
