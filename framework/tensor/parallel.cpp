// SPDX-License-Identifier: Apache-2.0
// The pool of threads. The sole user of TBB.
#include "tensor/parallel.hpp"

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <memory>
#include <string>

#include <tempo/error.hpp>

#include "tensor/cpu.hpp"
#include "tensor/environment.hpp"
#include "tensor/process_lock.hpp"
#include "tensor/sanitizers.hpp"

// libtbb is not instrumented, so ThreadSanitizer must be told how TBB hands work over.
#if TEMPO_THREAD_SANITIZER
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#else
static void __tsan_acquire(void*) {}
static void __tsan_release(void*) {}
#endif

namespace tempo {
namespace {

constexpr int most_threads = 1024;

int start_value() {
  const char* text = environment("TEMPO_NUM_THREADS");
  if (!text) return tbb::info::default_concurrency();
  const std::string value = text;
  int n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  if (error != std::errc{} || end != value.data() + value.size() || n < 1 || n > most_threads)
    throw Error("TEMPO_NUM_THREADS=" + value + ": must be a whole number from 1 to " +
                std::to_string(most_threads) + ".\n  Unset it to use all processors.");
  return n;
}

thread_local bool is_started = false;  // whether this thread runs a function given to start()

// Never destroyed: objects in static variables may compute until the process ends.
class Pool {
 public:
  Pool() { set(start_value()); }

  // A forked child has no workers; the TBB objects are never released there.
  bool has_workers() const { return made_after_ == forks(); }
  void set(int n) {
    if (!has_workers()) return;
    const ProcessLock lock(ProcessLock::pool);
    limit_ = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                   static_cast<std::size_t>(n));
  }
  int size() const {
    if (!has_workers()) return 1;
    return static_cast<int>(
        tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism));
  }

  // Counts the started functions that have not ended.
  void begin() { started_.fetch_add(1, std::memory_order_relaxed); }
  void end() {
    started_.fetch_sub(1, std::memory_order_release);
    started_.notify_all();
  }
  void wait_for_started() const {
    if (!has_workers()) return;
    while (const int n = started_.load(std::memory_order_acquire)) {
      if (n == 1 && is_started) return;  // it is the thread that ends the process
      started_.wait(n);
    }
  }

 private:
  const int made_after_ = forks();
  std::unique_ptr<tbb::global_control> limit_;
  std::atomic<int> started_{0};
};

Pool& pool() {
  static Pool& pool = *new Pool;
  return pool;
}

// At its end the process waits for started functions, as they use objects that it will destroy.
struct EndOfProcess {
  ~EndOfProcess() { pool().wait_for_started(); }
};

}  // namespace

void parallel_for(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (count <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  if (count <= grain) return body(0, count);
  const int64_t chunks = (count - 1) / grain + 1;
  if (!pool().has_workers()) {
    for (int64_t i = 0; i < chunks; ++i) body(i * grain, std::min(count, (i + 1) * grain));
    return;
  }
  const bool flushes = FlushDenormals::in_force();
  __tsan_release(&body);
  tbb::parallel_for(int64_t{0}, chunks, [&](int64_t i) {
    __tsan_acquire(&body);
    const FlushDenormals as_the_caller(flushes);
    body(i * grain, std::min(count, (i + 1) * grain));
    __tsan_release(&body);
  });
  __tsan_acquire(&body);
}

int threads_at_once() { return std::min(threads(), tbb::info::default_concurrency()); }

void start(std::function<void()> f) {
  if (!pool().has_workers()) return f();
  static tbb::task_arena& beside = *new tbb::task_arena;
  static const EndOfProcess waits;
  static char handed_over;
  const auto own = std::make_shared<std::function<void()>>(std::move(f));
  __tsan_release(&handed_over);
  pool().begin();
  const auto task = [own] {
    __tsan_acquire(&handed_over);
    is_started = true;
    (*own)();
    *own = nullptr;
    is_started = false;
    pool().end();
  };
  try {
    beside.enqueue(task);
  } catch (...) {
    pool().end();
    throw;
  }
}

void set_threads(int n) {
  if (n < 1 || n > most_threads)
    throw Error("set_threads: n is " + std::to_string(n) + "; must be from 1 to " +
                std::to_string(most_threads) + ".");
  pool().set(n);
}

int threads() { return pool().size(); }

}  // namespace tempo
