#include "tensor/array.hpp"

#include "tensor/blocks.hpp"

#include <new>

namespace tempo {

namespace {
constexpr std::size_t header = 64;  // of a block, before the elements, which are aligned to it too
}

Array::Array(TensorType type) : type_(type) {
  static_assert(sizeof(Block) <= header);
  const std::size_t bytes = type.bytes(), size = header + bytes;
  std::byte* const memory = take_block(size < bytes ? bytes : size);
  block_ = new (memory) Block(size);
  bytes_ = memory + header;
}

Array::Array(const Array& other) : type_(other.type_), block_(other.block_), bytes_(other.bytes_) {
  if (block_) block_->count.fetch_add(1, std::memory_order_relaxed);
}

void Array::let_go() noexcept {
  if (!block_ || block_->count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::size_t size = block_->size;
  block_->~Block();
  give_back_block(reinterpret_cast<std::byte*>(block_), size);
}

bool Array::sole_owner() const {
  return block_ && block_->count.load(std::memory_order_acquire) == 1;
}

Scratch::Scratch(std::size_t bytes) : size_(bytes), bytes_(take_block(bytes)) {}
Scratch::~Scratch() { give_back_block(bytes_, size_); }

void refuse_dtype(DType dtype) {
  throw Error(std::string("dispatch: dtype `") + name_of(dtype) +
              "` has no elements; it stands for the default dtype.");
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
