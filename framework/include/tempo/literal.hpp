// SPDX-License-Identifier: Apache-2.0
// Literal tensors: tensor({{1, 2}, {3, 4}}).
#pragma once

#include <initializer_list>

#include <tempo/elementwise.hpp>

namespace tempo TEMPO_HIDDEN {
namespace sdk {

/// A number, or a list of literals in braces. Lists of one depth must be equally long.
class Literal {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> Literal(T value)
      : is_real_(std::is_floating_point_v<T> || beyond_int64(value)),
        is_bool_(std::is_same_v<T, bool>),
        is_wide_(std::is_integral_v<T> && (sizeof(T) > 4 || std::is_same_v<T, uint32_t>)),
        real_(static_cast<double>(value)),
        integer_(is_real_ ? 0 : static_cast<int64_t>(value)) {}
  Literal(std::initializer_list<Literal> list) : is_list_(true), list_(list) {}

  Shape shape() const {
    Shape out;
    for (const Literal* first = this; first->is_list_; first = &first->list_[0]) {
      out.push_back(static_cast<int64_t>(first->list_.size()));
      if (first->list_.empty()) break;
    }
    require(out, 0, "", "");
    return out;
  }
  /// The dtype of the numbers if all are bools or integers, else the default dtype.
  DType dtype() const {
    int64_t n = 0, bools = 0, reals = 0, wide = 0;
    each([&](const Literal& number) {
      ++n;
      bools += number.is_bool_;
      reals += number.is_real_ && !number.is_wide_;
      wide += number.is_wide_;
    });
    if (n == 0 || reals > 0) return DType::automatic;
    return bools == n ? bool_ : wide > 0 ? int64 : int32;
  }
  template <class T>
  std::vector<T> values() const {
    std::vector<T> out;
    each([&](const Literal& n) {
      out.push_back(n.is_real_ ? static_cast<T>(n.real_) : static_cast<T>(n.integer_));
    });
    return out;
  }
  void require_held(DType dtype) const {
    each([&](const Literal& n) {
      if (n.is_real_ ? !holds(dtype, n.real_) : dtype == int32 && n.integer_ != int32_t(n.integer_))
        throw ShapeError(
            "tensor: " + (n.is_real_ ? shortest(n.real_) : std::to_string(n.integer_)) + " is no " +
            name_of(resolved(dtype)) + ".\n  Give " +
            (dtype == int32 || dtype == int64 ? "whole " : "") +
            "numbers that it holds, or the dtype float64.");
    });
  }

 private:
  template <class T>
  static constexpr bool beyond_int64([[maybe_unused]] T value) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(int64_t))
      return value > static_cast<T>(INT64_MAX);
    return false;
  }
  template <class F>
  void each(const F& f) const {
    if (!is_list_) return f(*this);
    for (const Literal& part : list_) part.each(f);
  }

  // `place` is where this literal stands, "[1][0]"; `first` is where the shape was read.
  void require(const Shape& shape, int depth, const std::string& place,
               const std::string& first) const {
    const bool list = depth < shape.rank();
    const auto n = static_cast<int64_t>(list_.size());
    const auto said = [](bool of_list, int64_t size) {
      return of_list ? "a list of " + std::to_string(size) : std::string("a number");
    };
    if (is_list_ != list || (list && n != shape[depth]))
      throw ShapeError("tensor: the lists do not fit together: " + first + " is " +
                       said(list, list ? shape[depth] : 0) + ", and " + place + " " +
                       said(is_list_, n) +
                       ".\n  Lists of one depth must be equally long; pad the shorter ones.");
    for (std::size_t i = 0; i < list_.size(); ++i)
      list_[i].require(shape, depth + 1, place + "[" + std::to_string(i) + "]", first + "[0]");
  }

  // A whole number beyond int64 is real, too; one that int32 may not hold is wide.
  bool is_list_ = false, is_real_ = false, is_bool_ = false, is_wide_ = false;
  double real_ = 0;
  int64_t integer_ = 0;
  std::vector<Literal> list_ = {};
};

}  // namespace sdk

/// A tensor of these numbers, as lists in lists: tensor({{1, 2}, {3, 4}}) is [2, 2]. Without a
/// dtype it is int32 (int64, bool) if all are C++ numbers of that type, else of the default dtype.
/// Throws ShapeError if lists of one depth are not equally long, or the dtype cannot hold a number.
inline Tensor tensor(std::initializer_list<sdk::Literal> list, DType dtype = DType::automatic) {
  const sdk::Literal all(list);
  const Shape shape = all.shape();
  const DType own = all.dtype();
  if (dtype == DType::automatic) dtype = own;
  all.require_held(dtype);
  return own == DType::automatic || is_floating(dtype)
             ? tensor(all.values<double>(), shape, dtype)
             : cast(tensor(all.values<int64_t>(), shape), dtype);
}

}  // namespace tempo
