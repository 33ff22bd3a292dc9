// A training step makes the same values again and again. Small blocks wait in lists of the thread,
// where taking one is two moves; large ones wait for all threads, as from the system they would
// come as pages that each cost a fault at the first touch.
#include "tensor/blocks.hpp"

#include "tensor/round_up.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tempo {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool waiting = false;                        // sanitizers must see each block
constexpr std::size_t largest = std::size_t{1} << 40;  // they abort on more instead of throwing
#else
constexpr bool waiting = true;
constexpr std::size_t largest = std::size_t{1} << 62;
#endif

constexpr std::align_val_t alignment{64};  // a cache line, and the widest SIMD register
constexpr std::size_t smallest = 64, smallest_shared = 64 << 10;
constexpr std::size_t parts = 8;  // sizes between one power of two and the next

std::byte* allocate(std::size_t bytes) {
  return static_cast<std::byte*>(::operator new(bytes, alignment));
}
void free(std::byte* block) { ::operator delete(block, alignment); }

/// Up to 1/8 more than `bytes`, so that similar sizes share blocks.
std::size_t rounded(std::size_t bytes) {
  const std::size_t step = std::bit_floor(std::max(bytes, smallest)) / parts;
  return round_up(std::max(bytes, smallest), step);
}

class SharedBlocks {
 public:
  /// Never destroyed: arrays in static variables are freed late.
  static SharedBlocks& only() {
    static SharedBlocks& blocks = *new SharedBlocks;
    return blocks;
  }

  std::byte* take(std::size_t size) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto at = waiting_.find(size); at != waiting_.end() && !at->second.empty()) {
        std::byte* block = at->second.back();
        at->second.pop_back();
        held_ -= size;
        return block;
      }
    }
    return allocate(size);
  }

  void give_back(std::byte* block, std::size_t size) {
    {
      const std::lock_guard lock(mutex_);
      if (held_ + size <= most_held) {
        waiting_[size].push_back(block);
        held_ += size;
        return;
      }
    }
    free(block);
  }

 private:
  static constexpr std::size_t most_held = std::size_t{256} << 20;

  std::mutex mutex_;
  std::unordered_map<std::size_t, std::vector<std::byte*>> waiting_;
  std::size_t held_ = 0;
};

thread_local bool thread_ends = false;  // its blocks are gone, arrays in static variables are not

class ThreadBlocks {
 public:
  ThreadBlocks() = default;
  ThreadBlocks(const ThreadBlocks&) = delete;
  ThreadBlocks& operator=(const ThreadBlocks&) = delete;
  ~ThreadBlocks() {
    thread_ends = true;
    for (Waiting* first : lists_)
      while (first) free(reinterpret_cast<std::byte*>(std::exchange(first, first->next)));
  }

  std::byte* take(std::size_t size) {
    Waiting*& first = list_of(size);
    if (!first) return allocate(size);
    held_ -= size;
    return reinterpret_cast<std::byte*>(std::exchange(first, first->next));
  }

  void give_back(std::byte* block, std::size_t size) {
    if (held_ + size > most_held) return free(block);
    Waiting*& first = list_of(size);
    first = new (block) Waiting{first};
    held_ += size;
  }

 private:
  struct Waiting {
    Waiting* next;
  };
  static constexpr std::size_t most_held = std::size_t{1} << 20;
  static constexpr std::size_t octaves =
      static_cast<std::size_t>(std::bit_width(smallest_shared) - std::bit_width(smallest)) + 1;

  Waiting*& list_of(std::size_t size) {
    const auto octave = static_cast<std::size_t>(std::bit_width(size) - std::bit_width(smallest));
    return lists_[octave * parts + size / (std::bit_floor(size) / parts) - parts];
  }

  Waiting* lists_[octaves * parts] = {};
  std::size_t held_ = 0;
};

thread_local ThreadBlocks own;

}  // namespace

std::byte* take_block(std::size_t bytes) {
  if (bytes > largest) throw std::bad_alloc();
  if (!waiting) return allocate(bytes);
  const std::size_t size = rounded(bytes);
  if (size >= smallest_shared) return SharedBlocks::only().take(size);
  return thread_ends ? allocate(size) : own.take(size);
}

void give_back_block(std::byte* block, std::size_t bytes) noexcept {
  if (!waiting) return free(block);
  const std::size_t size = rounded(bytes);
  if (size >= smallest_shared) return SharedBlocks::only().give_back(block, size);
  thread_ends ? free(block) : own.give_back(block, size);
}

}  // namespace tempo
