// SPDX-License-Identifier: Apache-2.0
// One thread makes the thing while the others wait; a fork in the meantime loses the claim.
#include "plugin/claim.hpp"

namespace tempo {

const void* Claim::self() {
  static thread_local char here;
  return &here;
}

Claim::Outcome Claim::ask() {
  for (;;) {
    int now = is_not_made;
    if (state_.compare_exchange_strong(now, forks(), std::memory_order_acq_rel)) {
      maker_.store(self(), std::memory_order_relaxed);
      return mine;
    }
    if (now == is_made) return done;
    if (is_mine()) return inner;
    if (now != forks()) return lost;
    state_.wait(now, std::memory_order_acquire);
  }
}

}  // namespace tempo
