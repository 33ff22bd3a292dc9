// SPDX-License-Identifier: Apache-2.0
// A list of known length that needs no allocation if it is short, such as the operands of an op.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

namespace tempo {

template <class T>
class Few {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static constexpr std::size_t few = 4;

 public:
  explicit Few(std::size_t n) : n_(n), many_(n > few ? new T[n] : nullptr) {}

  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  operator std::span<const T>() const { return {data(), n_}; }

 private:
  T* data() { return many_ ? many_.get() : reinterpret_cast<T*>(room_); }
  const T* data() const { return many_ ? many_.get() : reinterpret_cast<const T*>(room_); }

  std::size_t n_;
  std::unique_ptr<T[]> many_;
  alignas(T) std::byte room_[few * sizeof(T)];
};

}  // namespace tempo
