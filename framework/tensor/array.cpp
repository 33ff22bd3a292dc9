// SPDX-License-Identifier: Apache-2.0
// Allocates and shares the buffers of arrays.
#include "tensor/array.hpp"

#include <new>

#include "tensor/buffers.hpp"

namespace tempo {

namespace {
constexpr std::size_t header = 64;  // before the elements of a buffer; keeps these aligned as well
}

Array::Array(TensorType type) : type_(type) {
  static_assert(sizeof(Buffer) <= header);
  const std::size_t bytes = type.bytes(), size = header + bytes;
  std::byte* const memory = take_buffer(size < bytes ? bytes : size);
  buffer_ = new (memory) Buffer(size);
  bytes_ = memory + header;
}

Array::Array(const Array& other)
    : type_(other.type_), buffer_(other.buffer_), bytes_(other.bytes_) {
  if (buffer_) buffer_->count.fetch_add(1, std::memory_order_relaxed);
}

void Array::let_go() noexcept {
  if (!buffer_ || buffer_->count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::size_t size = buffer_->size;
  buffer_->~Buffer();
  give_back_buffer(reinterpret_cast<std::byte*>(buffer_), size);
}

bool Array::sole_owner() const {
  return buffer_ && buffer_->count.load(std::memory_order_acquire) == 1;
}

Scratch::Scratch(std::size_t bytes) : size_(bytes), bytes_(take_buffer(bytes)) {}
Scratch::~Scratch() { give_back_buffer(bytes_, size_); }

void refuse_automatic(DType dtype) {
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
