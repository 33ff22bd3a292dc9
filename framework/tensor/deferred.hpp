// SPDX-License-Identifier: Apache-2.0
// Deferred work: its results are arrays whose elements are not computed yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>

namespace tempo {

class Array;

/// Defers `work`, which fills `results`. It runs on the first thread that reads a result. If this
/// thread defers something else first, the earlier work starts on a pool thread; anything left is
/// run when the thread exits. An exception reaches every reader. Work that another thread had begun
/// when the process was forked is run again in the child, by its first reader. The work shares the
/// arrays that it reads, which must be there and must not change.
void defer(std::span<Array> results, std::function<void()> work);

/// Deferred work, shared by its results.
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
  // 0 or more: it was begun. Twice the number of forks between the first process and the one that
  // began it while it runs; one more when the results are there and what it shared is released.
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
