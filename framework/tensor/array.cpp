// Storage of arrays.
#include "tensor/array.hpp"

#include <new>

namespace tempo {
namespace {

constexpr std::align_val_t alignment{64};  // a cache line, and the widest SIMD register

}  // namespace

Array::Array(TensorType type)
    : type_(type),
      bytes_(static_cast<std::byte*>(::operator new(type.bytes(), alignment)),
             [](std::byte* bytes) { ::operator delete(bytes, alignment); }) {}

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
