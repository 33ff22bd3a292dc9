// SPDX-License-Identifier: Apache-2.0
// Threads that stay with one that works in steps, to share pieces of work that are too short for
// the pool.
#pragma once

#include <atomic>
#include <memory>

#include "tensor/function_ref.hpp"

namespace tempo {

/// A leader and up to size - 1 helpers. Nobody waits for a helper that has not come: the leader
/// does its pieces. A helper polls for work all the time, so a team should be short-lived.
class Team {
 public:
  using Piece = FunctionRef<void(int64_t)>;

  explicit Team(int64_t size);

  int64_t size() const { return size_; }

  /// Calls work(), which must not use the pool: a thread that waits there for others could become a
  /// helper and never return. Free threads of the pool come and help.
  void lead(FunctionRef<void()> work);

  /// Within work(): calls piece(i), which must not throw, for each i from 0 to size() - 1, and
  /// returns when all are done. A helper takes the same i each time, so that its data stays in its
  /// cache. Allocates nothing.
  void share(Piece piece);

 private:
  using Turn = uint64_t;
  static constexpr Turn over = ~Turn{0};
  // For each helper, on its own cache line: the last turn whose piece was taken, by it or by the
  // leader, and the last turn whose piece it has done.
  struct alignas(64) Helper {
    std::atomic<Turn> taken{0}, done{0};
  };

  void help(int64_t i);
  bool take(int64_t i, Turn turn);

  int64_t size_;
  std::unique_ptr<Helper[]> helpers_;  // the first is for the leader, and unused
  const Piece* piece_ = nullptr;       // of the present turn, for threads that took a piece of it
  alignas(64) std::atomic<Turn> turn_{0};
  std::atomic<int64_t> arrived_{0};
};

}  // namespace tempo
