// SPDX-License-Identifier: Apache-2.0
// Runs deferred work on the thread of its first reader, or on the pool if more work is deferred.
#include "tensor/deferred.hpp"

#include "tensor/array.hpp"
#include "tensor/of_thread.hpp"
#include "tensor/parallel.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

using DeferredRef = std::shared_ptr<Deferred>;

void run_beside(const DeferredRef& deferred) noexcept {
  if (!deferred) return;
  try {
    start([deferred] { deferred->run(); });
  } catch (...) {  // there was no memory for a task
    deferred->run();
  }
}

// The work that this thread deferred and has not begun.
struct Left {
  Left() = default;
  Left(const Left&) = delete;
  Left& operator=(const Left&) = delete;
  ~Left() {
    if (last) last->run();
  }
  DeferredRef last;
};

}  // namespace

void defer(std::span<Array> results, std::function<void()> work) {
  const auto deferred = std::make_shared<Deferred>(std::move(work));
  for (Array& array : results) array.leave_to(deferred);
  run_beside(std::exchange(OfThread<Left>::get().last, deferred));
}

void Deferred::finish() {
  Left* const left = OfThread<Left>::find();
  const DeferredRef other = left ? std::exchange(left->last, nullptr) : nullptr;
  const bool mine = begin();
  if (other && other.get() != this) mine ? run_beside(other) : other->run();
  if (mine) run_begun();
  for (State now; (now = state_.load(std::memory_order_acquire)) >= 0;)
    state_.wait(now, std::memory_order_acquire);
  if (error_) std::rethrow_exception(error_);
}

void Deferred::run() noexcept {
  if (begin()) run_begun();
}

bool Deferred::begin() {
  const State running = 2 * State{forks()};
  State now = waits;
  if (state_.compare_exchange_strong(now, running, std::memory_order_acq_rel)) return true;
  if (now < 0 || now / 2 * 2 == running) return false;
  // The thread that began it does not exist in this process.
  if (now % 2 == 0) return state_.compare_exchange_strong(now, running, std::memory_order_acq_rel);
  state_.compare_exchange_strong(now, outcome(), std::memory_order_acq_rel);
  return false;
}

void Deferred::run_begun() noexcept {
  try {
    (*work_)();
  } catch (...) {
    error_ = std::current_exception();
  }
  const auto* work = std::exchange(work_, nullptr);
  state_.store(2 * State{forks()} + 1, std::memory_order_release);
  delete work;  // the next reader may be the only owner of an array that it shared
  state_.store(outcome(), std::memory_order_release);
  state_.notify_all();
}

}  // namespace tempo
