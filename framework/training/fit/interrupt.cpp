// SPDX-License-Identifier: Apache-2.0
// Records SIGINT in a flag that a fit checks between two batches.
#include "training/fit/interrupt.hpp"

#include <atomic>
#include <csignal>

#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

std::atomic<bool> came{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// The second SIGINT ends the process. (ThreadSanitizer does not know SA_RESETHAND.)
void note(int) {
  std::signal(SIGINT, SIG_DFL);
  came.store(true, std::memory_order_relaxed);
}

// How many Interruptibles exist, and whether they set the handler; under the lock of signals.
struct Living {
  int count = 0;
  bool handling = false;
  struct sigaction before = {};
};
constinit Living living;

}  // namespace

Interruptible::Interruptible() {
  const ProcessLock lock(ProcessLock::signals);
  if (living.count++ > 0) return;
  came = false;
  if (sigaction(SIGINT, nullptr, &living.before) != 0) return;
  if ((living.before.sa_flags & SA_SIGINFO) || living.before.sa_handler != SIG_DFL) return;
  struct sigaction ours = {};
  ours.sa_handler = note;
  ours.sa_flags = SA_RESTART;
  sigemptyset(&ours.sa_mask);
  living.handling = sigaction(SIGINT, &ours, nullptr) == 0;
}

Interruptible::~Interruptible() {
  const ProcessLock lock(ProcessLock::signals);
  if (--living.count > 0) return;
  struct sigaction now = {};
  // A user's callback may have set a handler in the meantime: that one stays.
  if (living.handling && sigaction(SIGINT, nullptr, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
      now.sa_handler == note)
    sigaction(SIGINT, &living.before, nullptr);
  living.handling = false;
  came = false;
}

bool Interruptible::requested() { return came.load(std::memory_order_relaxed); }

}  // namespace tempo
