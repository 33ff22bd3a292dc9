// SPDX-License-Identifier: Apache-2.0
// A turn is published by its number. Leader and helper then race for the helper's piece: the one
// that raises `taken` to that number runs it.
#include "tensor/team.hpp"

#include <thread>

#include "tensor/parallel.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tempo {

namespace {

// Polls a value that another thread writes, at first without yielding: it takes microseconds.
template <class F>
void wait_until(F ready) {
  constexpr int looks = 2000;
  for (int i = 0; !ready(); ++i) {
    if (i < looks) {
#if defined(__x86_64__)
      _mm_pause();
#endif
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace

Team::Team(int64_t size) : size_(size), helpers_(new Helper[static_cast<std::size_t>(size)]) {}

void Team::lead(FunctionRef<void()> work) {
  arrived_.store(0, std::memory_order_relaxed);
  turn_.store(0, std::memory_order_relaxed);
  for (int64_t i = 1; i < size_; ++i) {
    Helper& helper = helpers_[static_cast<std::size_t>(i)];
    helper.taken.store(0, std::memory_order_relaxed);
    helper.done.store(0, std::memory_order_relaxed);
  }
  struct End {
    std::atomic<Turn>& turn;
    ~End() { turn.store(over, std::memory_order_release); }
  };
  // The first thread to come leads; usually that is this one.
  parallel_for(size_, 1, [&](int64_t first, int64_t last) {
    for (int64_t n = first; n < last; ++n) {
      const int64_t i = arrived_.fetch_add(1, std::memory_order_relaxed);
      if (i > 0) {
        help(i);
        continue;
      }
      const End end{turn_};
      work();
    }
  });
}

bool Team::take(int64_t i, Turn turn) {
  std::atomic<Turn>& taken = helpers_[static_cast<std::size_t>(i)].taken;
  Turn before = taken.load(std::memory_order_relaxed);
  return before < turn && taken.compare_exchange_strong(before, turn, std::memory_order_relaxed);
}

void Team::help(int64_t i) {
  Turn seen = 0;
  for (;;) {
    Turn now = seen;
    wait_until([&] { return (now = turn_.load(std::memory_order_acquire)) != seen; });
    if (now == over) return;
    seen = now;
    if (!take(i, now)) continue;
    (*piece_)(i);
    helpers_[static_cast<std::size_t>(i)].done.store(now, std::memory_order_release);
  }
}

void Team::share(Piece piece) {
  const Turn turn = turn_.load(std::memory_order_relaxed) + 1;
  piece_ = &piece;
  turn_.store(turn, std::memory_order_release);
  piece(0);
  for (int64_t i = 1; i < size_; ++i) {
    if (take(i, turn)) {
      piece(i);
      continue;
    }
    const std::atomic<Turn>& done = helpers_[static_cast<std::size_t>(i)].done;
    wait_until([&] { return done.load(std::memory_order_acquire) == turn; });
  }
}

}  // namespace tempo
