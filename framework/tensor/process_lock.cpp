#include "tensor/process_lock.hpp"

#include <pthread.h>

#include <atomic>
#include <mutex>

namespace tempo {

namespace {

// Not a std::recursive_mutex: that one knows its owner by a number which the child has not.
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
thread_local char self;  // its address tells threads apart, in a child too

void Lock::take() {
  if (owner.load(std::memory_order_relaxed) != &self) {
    mutex.lock();
    owner.store(&self, std::memory_order_relaxed);
  }
  ++depth;
}

void before_fork() {
  for (Lock& lock : locks) lock.take();
}
void after_fork() {
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

int forks() { return n_forks.load(std::memory_order_relaxed); }

}  // namespace tempo
