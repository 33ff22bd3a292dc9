// SPDX-License-Identifier: Apache-2.0
// Arrays hold the values of tensors. They are contiguous and row-major. A view is borrowed.
#pragma once

#include <atomic>
#include <cstring>
#include <utility>

#include <tempo/shape.hpp>

#include "tensor/deferred.hpp"

namespace tempo {

/// dtype and shape: everything known of a value before it is computed.
struct TensorType {
  DType dtype = float32;
  Shape shape;
  std::size_t bytes() const { return static_cast<std::size_t>(shape.count()) * size_of(dtype); }
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

inline std::string to_string(const TensorType& t) { return to_string(t.shape, t.dtype); }

/// A borrowed, contiguous, row-major buffer of numbers.
struct View {
  TensorType type;
  void* data = nullptr;

  DType dtype() const { return type.dtype; }
  const Shape& shape() const { return type.shape; }
  int64_t count() const { return type.shape.count(); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  /// The same bytes in another shape with the same count.
  View reshaped(const Shape& shape) const { return {{type.dtype, shape}, data}; }
  /// The i-th buffer along the first axis.
  View at(int64_t i) const {
    TensorType part{type.dtype, type.shape.without_first()};
    return {part, static_cast<char*>(data) + static_cast<std::size_t>(i) * part.bytes()};
  }
};

/// An owned buffer, shared by count. Copies share the bytes; a writer must be the only owner.
/// Deferred elements (`defer`) are computed when they are first asked for.
class Array {
 public:
  Array() = default;
  /// Uninitialised, 64-byte aligned.
  explicit Array(TensorType type);
  Array(DType dtype, const Shape& shape) : Array(TensorType{dtype, shape}) {}
  Array(const Array& other);
  Array(Array&& other) noexcept
      : type_(other.type_),
        buffer_(std::exchange(other.buffer_, nullptr)),
        bytes_(std::exchange(other.bytes_, nullptr)) {}
  Array& operator=(Array other) noexcept {
    type_ = other.type_;
    std::swap(buffer_, other.buffer_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Array() { let_go(); }

  explicit operator bool() const { return buffer_ != nullptr; }
  const TensorType& type() const { return type_; }
  DType dtype() const { return type_.dtype; }
  const Shape& shape() const { return type_.shape; }
  int64_t count() const { return type_.shape.count(); }
  template <class T>
  T* as() const {
    finish();
    return reinterpret_cast<T*>(bytes_);
  }
  View view() const {
    finish();
    return {type_, bytes_};
  }
  /// The place of the elements, whether they are computed yet or not.
  View place() const { return {type_, bytes_}; }
  /// Whether the elements are computed.
  bool done() const { return !buffer_ || !buffer_->deferred || buffer_->deferred->done(); }
  void finish() const {
    if (!done()) buffer_->deferred->finish();
  }
  /// For `defer`, on a buffer with a single owner.
  void leave_to(std::shared_ptr<Deferred> deferred) { buffer_->deferred = std::move(deferred); }
  /// Shares the bytes in another shape with the same count.
  Array reshaped(const Shape& shape) const;
  bool sole_owner() const;

 private:
  struct Buffer {
    explicit Buffer(std::size_t its_size) : size(its_size) {}
    std::atomic<uint32_t> count{1};
    std::size_t size;
    std::shared_ptr<Deferred> deferred;  // computes the elements, if that was deferred
  };
  void let_go() noexcept;

  TensorType type_;
  Buffer* buffer_ = nullptr;  // counts its owners
  std::byte* bytes_ = nullptr;
};

/// Memory for the length of a call, 64-byte aligned, from the buffers that wait for reuse.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(bytes_);
  }

 private:
  std::size_t size_;
  std::byte* bytes_;
};

[[noreturn]] void refuse_automatic(DType dtype);

/// Calls f(T{}) with the C++ type of `dtype`. Booleans are stored as one byte, 0 or 1.
template <std::size_t row = 0, class F>
std::invoke_result_t<F, float> dispatch(DType dtype, F&& f) {
  constexpr auto element = std::get<row>(sdk::elements);
  if (dtype == element.dtype) return f(typename decltype(element)::Type{});
  if constexpr (row + 1 < std::tuple_size_v<decltype(sdk::elements)>)
    return dispatch<row + 1>(dtype, f);
  else
    refuse_automatic(dtype);
}

/// As dispatch, for float32 and float64 only; `who` names the op in the error.
template <class F>
decltype(auto) dispatch_floating(DType dtype, const char* who, F&& f) {
  if (dtype == float32) return f(float{});
  if (dtype == float64) return f(double{});
  throw ShapeError(std::string(who) + ": needs float32 or float64, got " + name_of(dtype) +
                   ".\n  cast(x, float32) makes it so.");
}

}  // namespace tempo
