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
/// thread defers something else first, the earlier work starts on a pool thread; anything left runs
/// when the thread exits. An exception reaches every reader. If another thread had begun it when
/// the process was forked, its first reader in the child runs it again. It shares the arrays that
/// it reads; these must be computed already, and must not change.
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
  /// Returns when the work is done; throws the exception of the work.
  void finish();
  /// Runs the work, unless a thread has begun it already.
  void run() noexcept;

 private:
  // 0 or more: it was begun. While it runs, twice the value of forks() in the process that began
  // it; one more once the results are computed and the shared arrays are being released.
  using State = int64_t;
  static constexpr State waits = -1, is_done = -2, has_failed = -3;
  bool begin();
  void run_begun() noexcept;
  State outcome() const { return error_ ? has_failed : is_done; }

  std::atomic<State> state_{waits};
  std::function<void()>* work_;  // null once it is done
  std::exception_ptr error_;
};

}  // namespace tempo
