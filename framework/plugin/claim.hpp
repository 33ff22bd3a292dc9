// SPDX-License-Identifier: Apache-2.0
// A claim on something that a user's code makes once, on first use. No lock of the process is held
// while it runs, because that code may do anything.
#pragma once

#include <atomic>

#include "tensor/process_lock.hpp"

namespace tempo {

class Claim {
 public:
  enum Outcome {
    done,   ///< it exists
    mine,   ///< the caller makes it, and then says made() or failed()
    inner,  ///< the caller is in the middle of making it
    lost,   ///< another thread was making it when this process was forked, and is not here
  };
  bool is_done() const { return state_.load(std::memory_order_acquire) == is_made; }
  /// Whether this thread is making it now.
  bool is_mine() const { return maker_.load(std::memory_order_relaxed) == self(); }
  /// Waits while another thread makes it.
  Outcome ask();
  void made() { leave(is_made); }
  void failed() { leave(is_not_made); }

 private:
  static constexpr int is_not_made = -2, is_made = -1;  // else: forks() when the making began
  static const void* self();
  void leave(int state) {
    maker_.store(nullptr, std::memory_order_relaxed);
    state_.store(state, std::memory_order_release);
    state_.notify_all();
  }

  std::atomic<int> state_{is_not_made};
  std::atomic<const void*> maker_{nullptr};
};

}  // namespace tempo
