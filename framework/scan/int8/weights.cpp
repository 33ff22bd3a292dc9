// SPDX-License-Identifier: Apache-2.0
// Finds rounded weights by their reader and the arrays that they were made from.
#include "scan/int8/weights.hpp"

#include <algorithm>

#include "graph/value.hpp"

namespace tempo {

namespace {

bool same_places(const std::vector<Array>& a, const std::vector<Array>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Array& x, const Array& y) {
    return x.place().data == y.place().data;
  });
}

}  // namespace

Int8Weights::Kept Int8Weights::of(const std::shared_ptr<const void>& whose,
                                  std::vector<Array> arrays) {
  std::list<Entry> dropped;  // destroyed after the lock is released
  const ProcessLock lock(ProcessLock::making);
  const auto same = [&](const Entry& e) {
    return e.whose == whose && same_places(e.arrays, arrays);
  };
  if (const Entry* found = entries_.find(same)) return found->kept;
  auto made = std::make_shared<const KeptProducts>();
  return entries_.add({whose, std::move(arrays), std::move(made)}, dropped).kept;
}

}  // namespace tempo
