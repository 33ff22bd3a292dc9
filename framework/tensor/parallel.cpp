// The pool of threads. Sole user of TBB.
#include "tensor/parallel.hpp"

#include "tensor/cpu.hpp"

#include <tempo/error.hpp>

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

// ThreadSanitizer does not see how TBB hands work over, as libtbb is not instrumented: it is told.
#if defined(__SANITIZE_THREAD__)
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
  const char* text = std::getenv("TEMPO_NUM_THREADS");
  if (!text) return tbb::info::default_concurrency();
  const std::string value = text;
  int n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  if (error != std::errc{} || end != value.data() + value.size() || n < 1 || n > most_threads)
    throw Error("TEMPO_NUM_THREADS=" + value + ": must be a whole number from 1 to " +
                std::to_string(most_threads) + ".\n  Unset it to use all processors.");
  return n;
}

class Pool {
 public:
  Pool() { set(start_value()); }

  void set(int n) {
    const std::lock_guard lock(mutex_);
    limit_ = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                   static_cast<std::size_t>(n));
  }
  static int size() {
    return static_cast<int>(
        tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism));
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<tbb::global_control> limit_;
};

Pool& pool() {
  static Pool pool;
  return pool;
}

// Those who were started and have not ended. A process that ends waits for them, as they use what
// it is about to take down.
class Started {
 public:
  ~Started() {
    while (const int n = count_.load(std::memory_order_acquire)) count_.wait(n);
  }
  void begin() { count_.fetch_add(1, std::memory_order_relaxed); }
  void end() {
    count_.fetch_sub(1, std::memory_order_release);
    count_.notify_all();
  }

 private:
  std::atomic<int> count_{0};
};

Started& started() {
  static Started started;
  return started;
}

}  // namespace

void parallel_for(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (count <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  if (count <= grain) return body(0, count);
  pool();
  const int64_t chunks = (count - 1) / grain + 1;
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

void start(std::function<void()> f) {
  pool();
  static tbb::task_arena& beside = *new tbb::task_arena;
  static char handed_over;
  const auto own = std::make_shared<std::function<void()>>(std::move(f));
  __tsan_release(&handed_over);
  started().begin();
  const auto task = [own] {
    __tsan_acquire(&handed_over);
    (*own)();
    *own = nullptr;
    started().end();
  };
  try {
    beside.enqueue(task);
  } catch (...) {
    started().end();
    throw;
  }
}

void set_threads(int n) {
  if (n < 1 || n > most_threads)
    throw Error("set_threads: n is " + std::to_string(n) + "; must be from 1 to " +
                std::to_string(most_threads) + ".");
  pool().set(n);
}

int threads() {
  pool();
  return Pool::size();
}

}  // namespace tempo
