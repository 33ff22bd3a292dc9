#include "scan/gradient/kept.hpp"

namespace tempo {

KeptChoice::KeptChoice(const Program& program, const std::vector<int>& there)
    : p_(program), there_(there.begin(), there.end()), kept_(there_) {
  makers_.resize(p_.values.size());
  for (const Instruction& i : p_.loop)
    for (int v : i.outputs) makers_[static_cast<std::size_t>(v)] = &i;
}

// All of them at first; then, from the last one made to the first, each that takes fewer bytes when
// it is made again from others, which are kept in its place.
void KeptChoice::cover(const std::vector<int>& read) {
  for (int v : read)
    if (!to_be_had(v)) kept_.insert(v);
  for (int v = static_cast<int>(p_.values.size()); v-- > 0;) {
    if (!has(v) || there_.count(v)) continue;
    kept_.erase(v);
    std::map<int, Values> known;
    kept_.merge(to_keep_for(v, known));
  }
}

// What has to be kept beside all that is, so that v is to be had; the fewer bytes.
KeptChoice::Values KeptChoice::to_keep_for(int v, std::map<int, Values>& known) const {
  if (to_be_had(v)) return {};
  if (const auto at = known.find(v); at != known.end()) return at->second;
  Values best{v};
  const Instruction* made = makers_[static_cast<std::size_t>(v)];
  if (made && made->op->cheap) {
    Values others;
    for (int input : made->inputs) others.merge(to_keep_for(input, known));
    if (bytes(others) < bytes(best)) best = std::move(others);
  }
  return known[v] = best;
}

bool KeptChoice::to_be_had(int v) const {
  const Standing standing = p_.values[static_cast<std::size_t>(v)].standing;
  return has(v) || standing == Standing::fixed ||
         (standing == Standing::sequence && !makers_[static_cast<std::size_t>(v)]);
}

std::size_t KeptChoice::bytes(const Values& values) const {
  std::size_t sum = 0;
  for (int v : values) sum += p_.values[static_cast<std::size_t>(v)].type.bytes();
  return sum;
}

}  // namespace tempo
