// SPDX-License-Identifier: Apache-2.0
// Shapes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string>
#include <vector>

#include <tempo/dtype.hpp>
#include <tempo/error.hpp>

namespace tempo TEMPO_HIDDEN {

/// The extents of a tensor, outermost first; at most 8 axes. A negative axis counts from the end.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) : Shape(extents.begin(), extents.end()) {}
  explicit Shape(const std::vector<int64_t>& extents) : Shape(extents.begin(), extents.end()) {}
  template <class Iterator>
  Shape(Iterator first, Iterator last) {
    for (; first != last; ++first) push_back(*first);
  }

  int rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  /// Number of elements: 1 for a scalar. Throws ShapeError if 64 bits cannot count their bytes.
  int64_t count() const {
    int64_t n = 1, bytes = 0;
    for (int64_t extent : *this)
      if (__builtin_mul_overflow(n, extent, &n)) return uncountable();
    if (__builtin_mul_overflow(n, 8, &bytes)) return uncountable();  // 8: the widest element
    return n;
  }
  /// The reason why this is no shape of a tensor: an extent below 0, or more elements than `count`
  /// can give. "" if there is none.
  std::string fault() const {
    int64_t n = 8;
    bool nothing = false, too_many = false;
    for (int64_t extent : *this) {
      if (extent < 0) return is_no_shape();
      nothing |= extent == 0;
      too_many |= __builtin_mul_overflow(n, extent, &n);
    }
    return too_many && !nothing ? has_too_many() : "";
  }

  int64_t operator[](int axis) const { return extents_[place(axis)]; }
  int64_t& operator[](int axis) { return extents_[place(axis)]; }
  int64_t front() const { return (*this)[0]; }
  int64_t back() const { return (*this)[-1]; }
  const int64_t* begin() const { return extents_; }
  const int64_t* end() const { return extents_ + rank_; }
  int64_t* begin() { return extents_; }
  int64_t* end() { return extents_ + rank_; }
  const int64_t* data() const { return extents_; }

  void push_back(int64_t extent) {
    if (rank_ == max_rank)
      throw ShapeError("Shape: more than 8 axes; reshape to merge some of them.");
    extents_[rank_++] = extent;
  }
  /// This shape with `extent` put before its first axis, or without its first axis.
  Shape prepended(int64_t extent) const {
    Shape s{extent};
    for (int64_t e : *this) s.push_back(e);
    return s;
  }
  Shape without_first() const { return Shape(begin() + 1 + place(0), end()); }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a.extents_[i] != b.extents_[i]) return false;
    return true;
  }
  friend bool operator!=(const Shape& a, const Shape& b) { return !(a == b); }

 private:
  int place(int axis) const {
    const int at = axis < 0 ? axis + rank_ : axis;
    if (at < 0 || at >= rank_) outside(axis);
    return at;
  }
  [[noreturn, gnu::cold, gnu::noinline]] void outside(int axis) const;
  [[gnu::cold, gnu::noinline]] int64_t uncountable() const;
  [[gnu::cold, gnu::noinline]] std::string is_no_shape() const;
  [[gnu::cold, gnu::noinline]] std::string has_too_many() const;

  int64_t extents_[max_rank] = {};
  int rank_ = 0;
};

/// "[32, 20, 8]"
inline std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); ++i) {
    if (i) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

inline std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << to_string(shape);
}
/// "float32"
inline std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

inline void Shape::outside(int axis) const {
  throw ShapeError("Shape: axis " + std::to_string(axis) + " of " + to_string(*this) +
                   (empty() ? ", which has no axes."
                            : ".\n  It must lie in [" + std::to_string(-rank_) + ", " +
                                  std::to_string(rank_ - 1) + "]."));
}
inline int64_t Shape::uncountable() const {
  for (int64_t extent : *this)
    if (extent == 0) return 0;
  throw ShapeError("Shape: " + has_too_many());
}
inline std::string Shape::is_no_shape() const {
  return to_string(*this) + " is no shape: extents are at least 0.";
}
inline std::string Shape::has_too_many() const {
  return to_string(*this) +
         " has more elements than 64 bits can address.\n  Is one of its extents a "
         "product that overflowed, or a size in bytes?";
}

namespace sdk {
/// Throws ShapeError if a tensor cannot have this shape; `who` was asked for it.
inline void require_shape(const char* who, const Shape& shape) {
  const std::string fault = shape.fault();
  if (!fault.empty()) throw ShapeError(std::string(who) + ": " + fault);
}
}  // namespace sdk

/// "[32, 20, 8] float32"
inline std::string to_string(const Shape& shape, DType dtype) {
  return to_string(shape) + " " + name_of(dtype);
}

}  // namespace tempo
