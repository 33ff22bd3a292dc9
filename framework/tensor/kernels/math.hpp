// SPDX-License-Identifier: Apache-2.0
// Scalar functions for the elementwise kernels, for float and double, without branches or tables,
// so that loops over them become SIMD code. They are stable: no overflow before a finite result,
// and no cancellation before a small one. Errors are given in units in the last place (ulp) of the
// result, over the whole range; infinities, NaN and denormals are handled correctly.
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#define TEMPO_INLINE [[gnu::always_inline]] static inline
// Marks a function with a Math: `[](Math auto m, auto x) TEMPO_MATH { return m.exp(x); }`
#define TEMPO_MATH __attribute__((always_inline))

namespace tempo {

/// The functions that depend on a fused multiply-add. If the instruction set has none, `fma` rounds
/// twice instead of calling a slow exact one.
template <bool fused>
struct MathFor {
  /// a b + c
  template <class T>
  TEMPO_INLINE T fma(T a, T b, T c) {
    if constexpr (!fused)
      return a * b + c;
    else if constexpr (std::same_as<T, float>)
      return __builtin_fmaf(a, b, c);
    else
      return __builtin_fma(a, b, c);
  }

  /// c0 + c1 x + c2 x^2 + ...
  template <class T, class... C>
  TEMPO_INLINE T polynomial(T x, T c0, C... c) {
    if constexpr (sizeof...(c) == 0)
      return c0;
    else
      return fma(polynomial(x, c...), x, c0);
  }

  /// e^x. Cody and Waite (1980): x = n ln 2 + r, e^x = 2^n e^r.
  template <class T>
  TEMPO_INLINE T exp(T x) {
    using F = Format<T>;
    x = select(F::exp_highest < x, F::exp_highest, x);
    x = select(F::exp_lowest > x, F::exp_lowest, x);
    const T shifted = fma(x, T(1.44269504088896340736), F::to_whole);
    const T n = shifted - F::to_whole;
    const T r = fma(-n, F::ln2_low, fma(-n, F::ln2_high, x));
    const T power = T(1) + fma(r * r, exp_tail(r), r);
    // 2^n in two factors, for n below and above the exponents of normal numbers
    const auto whole = std::bit_cast<Bits<T>>(shifted) - std::bit_cast<Bits<T>>(F::to_whole);
    const Bits<T> half = (whole + 2 * (F::bias + 1)) >> 1;  // rounded down, plus bias + 1
    const T factor = std::bit_cast<T>((half - 1) << F::digits);
    const T rest = std::bit_cast<T>((whole - half + 2 * F::bias + 1) << F::digits);
    return power * factor * rest;
  }

  /// ln x. x = 2^n m with m from sqrt(1/2) to sqrt(2).
  template <class T>
  TEMPO_INLINE T log(T x) {
    using F = Format<T>;
    constexpr Bits<T> one = std::bit_cast<Bits<T>>(T(1));
    constexpr Bits<T> root = std::bit_cast<Bits<T>>(T(0.70710678118654752440));
    const bool small = x < std::numeric_limits<T>::min();
    const Bits<T> bits = std::bit_cast<Bits<T>>(select(small, x * F::magnifier, x)) + (one - root);
    const T f = std::bit_cast<T>((bits & ((Bits<T>{1} << F::digits) - 1)) + root) - T(1);
    const T biased = std::bit_cast<T>((bits >> F::digits) | std::bit_cast<Bits<T>>(F::whole));
    const T n = biased - select(small, F::whole + F::bias + F::magnified_by, F::whole + F::bias);
    const T half_square = T(0.5) * f * f;
    const T low = fma(n, F::ln2_low, log_tail(f, half_square));
    const T result = fma(n, F::ln2_high, f - (half_square - low));
    const T finite = select(x == F::infinity, x, result);
    return select(x > 0, finite, select(x == 0, -F::infinity, F::nan));
  }

  template <class T>
  TEMPO_INLINE T tanh(T x) {
    return tanh_of(x);
  }

  /// 1 / (1 + e^-x), both terms of the sum scaled by 2^-24 (2^-53), so that the sum is finite
  /// wherever the result is not 0.
  template <class T>
  TEMPO_INLINE T logistic(T x) {
    using F = Format<T>;
    x = select(F::logistic_is_1 < x, F::logistic_is_1, x);
    x = select(F::exp_lowest > x, F::exp_lowest, x);
    const T shifted = fma(x, T(-1.44269504088896340736), F::to_whole);
    const T n = shifted - F::to_whole;
    const T r = fma(-n, F::ln2_low, fma(-n, F::ln2_high, -x));
    const T power = T(1) + fma(r * r, exp_tail(r), r);
    const T factor =
        std::bit_cast<T>((std::bit_cast<Bits<T>>(shifted) + F::bias - F::digits - 1) << F::digits);
    return F::half_ulp_of_1 / fma(power, factor, F::half_ulp_of_1);
  }

  /// ln(1 + e^x)
  template <class T>
  TEMPO_INLINE T softplus(T x) {
    const T e = exp(-size_of_number(x)), sum = T(1) + e;
    const T lost = (e - (sum - T(1))) / sum;  // lost from the logarithm by rounding 1 + e
    return select(x > 0, x, select(x == x, T(0), x)) + (log(sum) + lost);
  }

 private:
  template <class T>
  struct Format;
  template <class T>
  using Bits = std::conditional_t<std::same_as<T, float>, uint32_t, uint64_t>;

  // a if the condition holds, else b; by bits, because compilers turn `?:` into jumps.
  template <class T>
  TEMPO_INLINE T select(bool condition, T a, T b) {
    const Bits<T> mask = Bits<T>{0} - static_cast<Bits<T>>(condition);
    return std::bit_cast<T>((std::bit_cast<Bits<T>>(a) & mask) |
                            (std::bit_cast<Bits<T>>(b) & ~mask));
  }
  /// |x|
  template <class T>
  TEMPO_INLINE T size_of_number(T x) {
    return std::bit_cast<T>(std::bit_cast<Bits<T>>(x) & (~Bits<T>{0} >> 1));
  }

  // (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2; minimax, below 2^-28 and 2^-57 of e^r.
  TEMPO_INLINE float exp_tail(float r) {
    return polynomial(r, 0.4999999347f, 0.1666651975f, 0.04166837192f, 0.008368825998f,
                      0.001381631058f);
  }
  TEMPO_INLINE double exp_tail(double r) {
    return polynomial(r, 0.5000000000000010731, 0.1666666666666641236, 0.04166666666652883849,
                      0.008333333333493654045, 0.001388888894406718026, 0.0001984126951054503813,
                      0.00002480149256974581625, 2.755758077927489505e-6, 2.763046025346726157e-7,
                      2.500248759894980963e-8);
  }

  // ln(1 + f) - f + f^2 / 2 for 1 + f from sqrt(1/2) to sqrt(2); minimax.
  TEMPO_INLINE float log_tail(float f, float) {
    return f * f * f *
           polynomial(f, 0.3333331678f, -0.2500079648f, 0.2000228308f, -0.1662497305f,
                      0.1418140808f, -0.1312525532f, 0.1287927255f, -0.07865638771f);
  }
  TEMPO_INLINE double log_tail(double f, double half_square) {  // as in fdlibm (Sun, 1993)
    const double s = f / (2.0 + f), z = s * s;
    const double tail = polynomial(
        z, 0.6666666666666730177, 0.3999999999943715832, 0.2857142873811327055,
        0.2222219896216451661, 0.1818354598070338277, 0.1531448327025119098, 0.147919118572687546);
    return s * fma(z, tail, half_square);
  }

  // x P(x^2) / Q(x^2), minimax up to where the result rounds to 1; within 2^-26 as rounded.
  TEMPO_INLINE float tanh_of(float x) {
    const float square = x * x, u = select(81.4f < square, 81.4f, square);
    const float p =
        polynomial(u, 1.0f, 0.14027439f, 0.004331314f, 3.991794e-5f, 9.853586e-8f, 2.9602393e-11f);
    const float q =
        polynomial(u, 1.0f, 0.4736077f, 0.028867245f, 0.00048287536f, 2.3913476e-6f, 2.5037958e-9f);
    const float y = x * (p / q);
    const float below = select(1.0f < y, 1.0f, y);
    return select(-1.0f > below, -1.0f, below);
  }
  // x + x^3 P(x^2) / Q(x^2) up to 0.7, 1 - 2 / (e^2|x| + 1) above; one division serves both.
  TEMPO_INLINE double tanh_of(double x) {
    const double size = size_of_number(x), sign = select(x < 0, -1.0, 1.0);
    const double small = select(0.7 < size, 0.7, size), u = small * small;
    const double p =
        polynomial(u, -0.3333333333333329484, -0.02049247239392707081, -0.0001988980107975888388);
    const double q =
        polynomial(u, 1.0, 0.4614774171817331694, 0.02328289900098713615, 0.0002062338513842898616);
    const double e = exp(2 * size);
    const bool near = size <= 0.7;
    const double top = select(near, x * u * p, -2 * sign), bottom = select(near, q, e + 1);
    return select(near, x, select(x == x, sign, x)) + top / bottom;
  }
};

template <bool fused>
template <class T>
struct MathFor<fused>::Format {
  static constexpr bool is_float = std::same_as<T, float>;
  static constexpr int digits = is_float ? 23 : 52;  // of the fraction
  static constexpr Bits<T> bias = is_float ? 127 : 1023;
  static constexpr T whole = is_float ? T(0x1p23) : T(0x1p52);   // from here on, one ulp is 1
  static constexpr T to_whole = T(1.5) * whole;                  // adding it rounds to an integer
  static constexpr T exp_highest = is_float ? T(89) : T(710);    // e^x is infinite
  static constexpr T exp_lowest = is_float ? T(-104) : T(-746);  // e^x is 0
  static constexpr T logistic_is_1 = is_float ? T(70) : T(600);
  static constexpr T half_ulp_of_1 = is_float ? T(0x1p-24) : T(0x1p-53);
  // ln 2, the first part short enough for products with n to be exact
  static constexpr T ln2_high = is_float ? T(0.693359375) : T(6.93145751953125e-1);
  static constexpr T ln2_low = is_float ? T(-2.12194440054690583e-4) : T(1.42860682030941723e-6);
  static constexpr int magnified_by = is_float ? 25 : 54;
  static constexpr T magnifier = is_float ? T(0x1p25) : T(0x1p54);  // makes denormals normal
  static constexpr T infinity = std::numeric_limits<T>::infinity();
  static constexpr T nan = std::numeric_limits<T>::quiet_NaN();
};

/// The type of the first parameter that a kernel's function may have.
template <class M>
concept Math = std::same_as<M, MathFor<true>> || std::same_as<M, MathFor<false>>;

/// f on integers that wrap around like unsigned ones: a sum may leave the range of its dtype.
template <class F>
struct Wrapping {
  template <class... T>
  requires std::is_invocable_v<F, T...>
  __attribute__((always_inline)) constexpr auto operator()(T... x) const {
    if constexpr ((std::is_integral_v<T> && ...))
      return static_cast<std::common_type_t<T...>>(F{}(static_cast<std::make_unsigned_t<T>>(x)...));
    else
      return F{}(x...);
  }
};
template <class F>
constexpr Wrapping<F> wrapping(F) {
  return {};
}

/// A number as an integer: rounded towards zero, clamped to the range, 0 for NaN.
template <class To, class From>
To to_integer(From x) {
  constexpr To low = std::numeric_limits<To>::min(), high = std::numeric_limits<To>::max();
  if (x != x) return 0;
  if (x >= static_cast<From>(high)) return high;
  return x <= static_cast<From>(low) ? low : static_cast<To>(x);
}

/// -1, 0 or 1; NaN stays NaN.
template <class T>
T sign(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : x;
}

}  // namespace tempo
