// SPDX-License-Identifier: Apache-2.0
// A training step makes the same values again and again, so buffers are reused. Small ones wait in
// lists of the thread, where taking one is two moves. Large ones wait for all threads: new pages
// from the system would each cost a fault at the first touch.
#include "tensor/buffers.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "tensor/process_lock.hpp"
#include "tensor/round_up.hpp"
#include "tensor/sanitizers.hpp"

namespace tempo {
namespace {

#if TEMPO_ADDRESS_SANITIZER || TEMPO_THREAD_SANITIZER
constexpr bool waiting = false;                        // sanitizers must see each buffer
constexpr std::size_t largest = std::size_t{1} << 40;  // sanitizers abort on more, not throw
#else
constexpr bool waiting = true;
constexpr std::size_t largest = std::size_t{1} << 62;
#endif

constexpr std::align_val_t alignment{64};  // a cache line, and the widest SIMD register
constexpr std::size_t smallest = 64, smallest_shared = 64 << 10;
constexpr std::size_t most_shared = std::size_t{1} << 62;
constexpr std::size_t parts = 8;  // sizes from one power of two to the next

void free(std::byte* buffer) { ::operator delete(buffer, alignment); }

/// Up to 1/8 more than `bytes`, so that similar sizes share buffers.
std::size_t rounded(std::size_t bytes) {
  const std::size_t step = std::bit_floor(std::max(bytes, smallest)) / parts;
  return round_up(std::max(bytes, smallest), step);
}

/// Lists of waiting buffers, one for each size that `rounded` gives. Each buffer stores the link to
/// the next one, so that giving back needs no memory.
template <std::size_t from, std::size_t to>
class WaitingBuffers {
 public:
  /// Null if none of this size waits.
  std::byte* take(std::size_t size) {
    Waiting*& first = list_of(size);
    if (!first) return nullptr;
    held_ -= size;
    return reinterpret_cast<std::byte*>(std::exchange(first, first->next));
  }
  void keep(std::byte* buffer, std::size_t size) {
    Waiting*& first = list_of(size);
    first = new (buffer) Waiting{first};
    held_ += size;
  }
  std::size_t held() const { return held_; }
  void free_all() {
    for (Waiting*& first : lists_)
      while (first) free(reinterpret_cast<std::byte*>(std::exchange(first, first->next)));
    held_ = 0;
  }

 private:
  struct Waiting {
    Waiting* next;
  };
  static constexpr int first_width = std::bit_width(from);
  static constexpr std::size_t octaves =
      static_cast<std::size_t>(std::bit_width(to) - first_width) + 1;

  Waiting*& list_of(std::size_t size) {
    const auto octave = static_cast<std::size_t>(std::bit_width(size) - first_width);
    return lists_[octave * parts + size / (std::bit_floor(size) / parts) - parts];
  }

  Waiting* lists_[octaves * parts] = {};
  std::size_t held_ = 0;
};

// Large buffers of all threads, under the lock of buffers. It is never destroyed, because arrays in
// static variables are freed late.
using SharedBuffers = WaitingBuffers<smallest_shared, most_shared>;
constinit SharedBuffers shared;
constexpr std::size_t most_shared_held = std::size_t{256} << 20;

thread_local bool thread_ends = false;  // buffers are freed; arrays in static variables may remain

class ThreadBuffers : public WaitingBuffers<smallest, smallest_shared> {
 public:
  ThreadBuffers() = default;
  ThreadBuffers(const ThreadBuffers&) = delete;
  ThreadBuffers& operator=(const ThreadBuffers&) = delete;
  ~ThreadBuffers() {
    thread_ends = true;
    free_all();
  }
};
constexpr std::size_t most_own_held = std::size_t{1} << 20;

thread_local ThreadBuffers own;

// Frees the waiting buffers before it reports that memory is out.
[[gnu::cold, gnu::noinline]] std::byte* allocate_of_waiting(std::size_t bytes) {
  {
    const ProcessLock lock(ProcessLock::buffers);
    shared.free_all();
  }
  if (!thread_ends) own.free_all();
  return static_cast<std::byte*>(::operator new(bytes, alignment));
}

std::byte* allocate(std::size_t bytes) {
  void* const buffer = ::operator new(bytes, alignment, std::nothrow);
  return buffer ? static_cast<std::byte*>(buffer) : allocate_of_waiting(bytes);
}

std::byte* take_shared(std::size_t size) {
  std::byte* buffer = nullptr;
  {
    const ProcessLock lock(ProcessLock::buffers);
    buffer = shared.take(size);
  }
  return buffer ? buffer : allocate(size);
}

void give_back_shared(std::byte* buffer, std::size_t size) {
  {
    const ProcessLock lock(ProcessLock::buffers);
    if (shared.held() + size <= most_shared_held) return shared.keep(buffer, size);
  }
  free(buffer);
}

std::byte* take_own(std::size_t size) {
  std::byte* const buffer = thread_ends ? nullptr : own.take(size);
  return buffer ? buffer : allocate(size);
}

}  // namespace

std::byte* take_buffer(std::size_t bytes) {
  if (bytes > largest) throw std::bad_alloc();
  if (!waiting) return allocate(bytes);
  const std::size_t size = rounded(bytes);
  return size >= smallest_shared ? take_shared(size) : take_own(size);
}

void give_back_buffer(std::byte* buffer, std::size_t bytes) noexcept {
  if (!waiting) return free(buffer);
  const std::size_t size = rounded(bytes);
  if (size >= smallest_shared) return give_back_shared(buffer, size);
  if (thread_ends || own.held() + size > most_own_held) return free(buffer);
  own.keep(buffer, size);
}

}  // namespace tempo
