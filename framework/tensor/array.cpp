// Storage of arrays. Large blocks that are freed wait for the next array of their size: from the
// system they would come as pages that each cost a fault at the first touch.
#include "tensor/array.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace tempo {
namespace {

constexpr std::align_val_t alignment{64};  // a cache line, and the widest SIMD register

std::byte* allocate(std::size_t bytes) {
  return static_cast<std::byte*>(::operator new(bytes, alignment));
}

class Pool {
 public:
  /// Never destroyed: arrays in static variables are freed late.
  static Pool& only() {
    static Pool& pool = *new Pool;
    return pool;
  }

  /// Up to 1/8 more than `bytes`, so that similar sizes share blocks.
  static std::size_t rounded(std::size_t bytes) {
    const std::size_t step = std::bit_floor(bytes) / 8;
    return (bytes + step - 1) / step * step;
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
    ::operator delete(block, alignment);
  }

 private:
  static constexpr std::size_t most_held = std::size_t{256} << 20;

  std::mutex mutex_;
  std::unordered_map<std::size_t, std::vector<std::byte*>> waiting_;
  std::size_t held_ = 0;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool pooled = false;                         // sanitizers must see each block
constexpr std::size_t largest = std::size_t{1} << 40;  // they abort on more instead of throwing
#else
constexpr bool pooled = true;
constexpr std::size_t largest = std::size_t{1} << 62;
#endif

constexpr std::size_t smallest_pooled = 64 << 10;

std::shared_ptr<std::byte[]> storage(std::size_t bytes) {
  if (bytes > largest) throw std::bad_alloc();
  if (!pooled || bytes < smallest_pooled)
    return {allocate(bytes), [](std::byte* block) { ::operator delete(block, alignment); }};
  const std::size_t size = Pool::rounded(bytes);
  return {Pool::only().take(size),
          [size](std::byte* block) { Pool::only().give_back(block, size); }};
}

}  // namespace

Array::Array(TensorType type) : type_(type), bytes_(storage(type.bytes())) {}

Scratch::Scratch(std::size_t bytes) : size_(Pool::rounded(std::max<std::size_t>(bytes, 4096))) {
  if (size_ > largest) throw std::bad_alloc();
  bytes_ = pooled ? Pool::only().take(size_) : allocate(size_);
}

Scratch::~Scratch() {
  if (pooled)
    Pool::only().give_back(bytes_, size_);
  else
    ::operator delete(bytes_, alignment);
}

Array Array::reshaped(const Shape& shape) const {
  if (shape.count() != count())
    throw ShapeError("reshape: " + to_string(type_) + " has " + std::to_string(count()) +
                     " elements, " + to_string(shape) + " needs " + std::to_string(shape.count()) +
                     ".");
  Array same = *this;
  same.type_.shape = shape;
  return same;
}

}  // namespace tempo
