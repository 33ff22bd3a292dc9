#include "tensor/deferred.hpp"

#include "tensor/array.hpp"
#include "tensor/parallel.hpp"

namespace tempo {

namespace {

using DeferredRef = std::shared_ptr<Deferred>;

void run_beside(const DeferredRef& deferred) noexcept {
  if (!deferred) return;
  try {
    start([deferred] { deferred->run(); });
  } catch (...) {  // no memory for a task
    deferred->run();
  }
}

// What this thread has left for later and not begun.
struct Left {
  DeferredRef last;
  ~Left() {
    if (last) last->run();
  }
};
thread_local Left left;

}  // namespace

void defer(std::span<Array> results, std::function<void()> work) {
  const auto deferred = std::make_shared<Deferred>(std::move(work));
  for (Array& array : results) array.leave_to(deferred);
  run_beside(std::exchange(left.last, deferred));
}

void Deferred::finish() {
  const DeferredRef other = std::exchange(left.last, nullptr);
  const bool mine = begin();
  if (other && other.get() != this) mine ? run_beside(other) : other->run();
  if (mine) run_begun();
  state_.wait(State::running, std::memory_order_acquire);
  if (error_) std::rethrow_exception(error_);
}

void Deferred::run() noexcept {
  if (begin()) run_begun();
}

bool Deferred::begin() {
  State waiting = State::waiting;
  return state_.compare_exchange_strong(waiting, State::running, std::memory_order_acq_rel);
}

void Deferred::run_begun() noexcept {
  try {
    work_();
  } catch (...) {
    error_ = std::current_exception();
  }
  work_ = nullptr;  // whoever reads next may be the only owner of what it shared
  state_.store(error_ ? State::failed : State::done, std::memory_order_release);
  state_.notify_all();
}

}  // namespace tempo
