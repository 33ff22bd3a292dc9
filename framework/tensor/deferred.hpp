// Work that is left for later: its results are arrays whose elements are not made yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>

namespace tempo {

class Array;

/// Leaves the elements of `results` to `work`. The thread that first reads one of them does the
/// work then, unless it was begun before: work that is still left when this thread leaves more is
/// begun on another thread, beside what this one does; what is left when the thread ends is done
/// then. An exception reaches all who read. What another thread had begun when the process was
/// forked is done again in the child, by the first who reads it there. Whatever the work reads must
/// be there, and must not change: it keeps arrays by sharing them.
void defer(std::span<Array> results, std::function<void()> work);

/// Work that was left for later, shared by its results.
class Deferred {
 public:
  explicit Deferred(std::function<void()> work)
      : work_(new std::function<void()>(std::move(work))) {}
  ~Deferred() { delete work_; }
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  bool done() const { return state_.load(std::memory_order_acquire) == is_done; }
  /// Returns when it is done; throws what the work threw.
  void finish();
  /// Does it unless that was begun, by whichever thread.
  void run() noexcept;

 private:
  // 0 or more: it was begun in a process so many forks away, twice that number while it runs, one
  // more when the results are there and what it shared is being let go.
  using State = int64_t;
  static constexpr State waits = -1, is_done = -2, has_failed = -3;
  bool begin();
  void run_begun() noexcept;
  State outcome() const { return error_ ? has_failed : is_done; }

  std::atomic<State> state_{waits};
  std::function<void()>* work_;  // null when it was done
  std::exception_ptr error_;
};

}  // namespace tempo
