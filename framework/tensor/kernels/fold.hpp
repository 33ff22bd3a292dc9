// SPDX-License-Identifier: Apache-2.0
// Folds of adjacent elements in SIMD lanes, for the instruction set of the caller.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "tensor/kernels/math.hpp"

namespace tempo {

struct Sum {
  static constexpr const char* name = "sum";
  static constexpr bool has_empty = true;
  static constexpr int64_t lanes = 16;
  template <class T>
  static constexpr T start() {
    return T(0);
  }
  template <class T>
  T operator()(T total, T x) const {
    if constexpr (std::is_integral_v<T>)  // unsigned arithmetic wraps around
      return static_cast<T>(static_cast<std::make_unsigned_t<T>>(total) +
                            static_cast<std::make_unsigned_t<T>>(x));
    else
      return total + x;
  }
};

inline constexpr int64_t lanes_compared = 32;  // loops over fewer are unrolled and stay scalar

struct Max {
  static constexpr const char* name = "max";
  static constexpr bool has_empty = false;
  static constexpr int64_t lanes = lanes_compared;
  template <class T>
  static constexpr T start() {
    return std::is_integral_v<T> ? std::numeric_limits<T>::min()
                                 : -std::numeric_limits<T>::infinity();
  }
  template <class T>
  T operator()(T total, T x) const {
    return x > total || x != x ? x : total;  // NaN wins
  }
};

struct Min {
  static constexpr const char* name = "min";
  static constexpr bool has_empty = false;
  static constexpr int64_t lanes = lanes_compared;
  template <class T>
  static constexpr T start() {
    return std::is_integral_v<T> ? std::numeric_limits<T>::max()
                                 : std::numeric_limits<T>::infinity();
  }
  template <class T>
  T operator()(T total, T x) const {
    return x < total || x != x ? x : total;
  }
};

/// The type in which the results of many blocks are folded one by one: a float would lose what is
/// small beside the total.
template <class Op, class T>
using Total = std::conditional_t<std::is_same_v<Op, Sum> && std::is_same_v<T, float>, double, T>;

/// Each block of a row is folded by itself, and then the results of the blocks. With blocks of this
/// length, errors grow as with pairwise sums.
inline constexpr int64_t row_block = 256;

/// Folds n elements into one.
template <class Op, class T>
TEMPO_INLINE T fold_row(const T* x, int64_t n) {
  constexpr int64_t lanes = Op::lanes;
  const Op op;
  T total[lanes];
  std::fill_n(total, lanes, Op::template start<T>());
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int64_t j = 0; j < lanes; ++j) total[j] = op(total[j], x[i + j]);
  for (int64_t j = 0; i < n; ++i, ++j) total[j] = op(total[j], x[i]);
  for (int64_t half = lanes / 2; half > 0; half /= 2)
    for (int64_t j = 0; j < half; ++j) total[j] = op(total[j], total[j + half]);
  return total[0];
}

}  // namespace tempo
