// SPDX-License-Identifier: Apache-2.0
// Recursive locks that a fork takes all at once and releases in the parent and in the child.
#include "tensor/process_lock.hpp"

#include <pthread.h>

#include <atomic>
#include <mutex>

namespace tempo {

namespace {

// Not a std::recursive_mutex: it identifies its owner by a thread id that differs in the child.
struct Lock {
  std::mutex mutex;
  std::atomic<const void*> owner{nullptr};
  int depth = 0;

  void take();
  void let_go() {
    if (--depth > 0) return;
    owner.store(nullptr, std::memory_order_relaxed);
    mutex.unlock();
  }
};

constinit Lock locks[ProcessLock::n_locks];
constinit std::atomic<int> n_forks{0};
thread_local char self;  // its address identifies a thread, in a child too

void Lock::take() {
  if (owner.load(std::memory_order_relaxed) != &self) {
    mutex.lock();
    owner.store(&self, std::memory_order_relaxed);
  }
  ++depth;
}

// The number of threads in BLAS, and a bit that keeps other threads out.
constexpr unsigned closed = 1u << 31;
constinit std::atomic<unsigned> in_blas{0};
constinit std::atomic<const void*> closed_by{nullptr};

void close_blas() {
  closed_by.store(&self, std::memory_order_relaxed);
  for (unsigned now = in_blas.fetch_or(closed) | closed; now != closed; now = in_blas.load())
    in_blas.wait(now);
}
void open_blas() {
  in_blas.fetch_and(~closed);
  in_blas.notify_all();
}

// The destructors of a library run after those of all its objects, and before OpenBLAS's own.
[[gnu::destructor]] void at_the_end() { close_blas(); }

void before_fork() {
  for (Lock& lock : locks) lock.take();
  close_blas();
}
void after_fork() {
  open_blas();
  for (std::size_t i = ProcessLock::n_locks; i-- > 0;) locks[i].let_go();
}
void in_child() {
  n_forks.fetch_add(1, std::memory_order_relaxed);
  after_fork();
}

[[maybe_unused]] const int registered = ::pthread_atfork(before_fork, after_fork, in_child);

}  // namespace

ProcessLock::ProcessLock(Of what) : what_(what) { locks[what_].take(); }
ProcessLock::~ProcessLock() { locks[what_].let_go(); }

InBlas::InBlas() {
  unsigned now = in_blas.load(std::memory_order_relaxed);
  for (;;) {
    if ((now & closed) && closed_by.load(std::memory_order_relaxed) != &self) {
      in_blas.wait(now);
      now = in_blas.load(std::memory_order_relaxed);
    } else if (in_blas.compare_exchange_weak(now, now + 1, std::memory_order_acquire)) {
      return;
    }
  }
}
InBlas::~InBlas() {
  if (in_blas.fetch_sub(1, std::memory_order_release) == closed + 1) in_blas.notify_all();
}

int forks() { return n_forks.load(std::memory_order_relaxed); }

}  // namespace tempo
