// Work that is left for later: its results are arrays whose elements are not made yet.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <span>

namespace tempo {

class Array;

/// Leaves the elements of `results` to `work`. The thread that first reads one of them does the
/// work then, unless it was begun before: work that is still left when this thread leaves more is
/// begun on another thread, beside what this one does; what is left when the thread ends is done
/// then. An exception reaches all who read. Whatever the work reads must be there, and must not
/// change: it keeps arrays by sharing them.
void defer(std::span<Array> results, std::function<void()> work);

/// Work that was left for later, shared by its results.
class Deferred {
 public:
  explicit Deferred(std::function<void()> work) : work_(std::move(work)) {}
  bool done() const { return state_.load(std::memory_order_acquire) == State::done; }
  /// Returns when it is done; throws what the work threw.
  void finish();
  /// Does it unless that was begun, by whichever thread.
  void run() noexcept;

 private:
  enum class State { waiting, running, done, failed };
  bool begin();
  void run_begun() noexcept;

  std::atomic<State> state_{State::waiting};
  std::function<void()> work_;
  std::exception_ptr error_;
};

}  // namespace tempo
