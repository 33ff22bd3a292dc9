// SPDX-License-Identifier: Apache-2.0
// Elementwise ops, and constants. Shapes broadcast as in NumPy; both operands have one
// dtype; a C++ number is a weak scalar and takes the dtype of the tensor it meets.
#pragma once

#include <cmath>

#include <tempo/number.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {

/// The dtype; the default one in place of automatic.
inline DType resolved(DType dtype) {
  static const Op op("fill");
  if (dtype != DType::automatic) return dtype;
  return op({}, {{"value", 0.0}, {"shape", Shape{}}, {"dtype", dtype}}).dtype();
}

/// The tensor of this type that `make` returns; an error names the type if the shape is invalid or
/// memory is short.
template <class Make>
Tensor made(const char* who, const Shape& shape, DType dtype, Make make) {
  require_shape(who, shape);
  try {
    return make();
  } catch (const OutOfMemory&) {
    const DType its = resolved(dtype);
    const auto bytes = static_cast<uint64_t>(shape.count()) * size_of(its);
    throw Error(std::string(who) + ": " + to_string(shape, its) + " needs " +
                std::to_string(bytes) +
                " bytes, more memory than there is.\n  Make an extent smaller, or work in parts.");
  }
}

inline Tensor filled(const char* who, const Shape& shape, double value, DType dtype) {
  static const Op op("fill");
  return made(who, shape, dtype, [&] {
    return op({}, {{"value", value}, {"shape", shape}, {"dtype", dtype}});
  });
}

/// Whether the number lies in the range of this dtype; floating ones hold infinities and NaN.
inline bool within(double value, DType dtype) {
  if (dtype == int32 || dtype == int64) {
    const double most = dtype == int32 ? 0x1p31 : 0x1p63;
    return -most <= value && value < most;
  }
  const bool rounds_to_infinity = std::isfinite(value) && std::abs(value) >= 0x1.ffffffp127;
  return !rounds_to_infinity || resolved(dtype) != float32;
}
/// Whether this dtype can represent the number, apart from rounding in a floating one.
inline bool holds(DType dtype, double value) {
  return within(value, dtype) && ((dtype != int32 && dtype != int64) || value == std::floor(value));
}

}  // namespace sdk

/// A tensor with every element `value`, which the dtype must be able to hold.
inline Tensor full(const Shape& shape, double value, DType dtype = DType::automatic) {
  if (!sdk::holds(dtype, value))
    throw ShapeError("full: " + sdk::shortest(value) + " is no " + name_of(sdk::resolved(dtype)) +
                     (dtype == int32 || dtype == int64
                          ? ".\n  Give a whole number that it holds, or the dtype float32."
                          : ".\n  Give a number that it holds, or the dtype float64."));
  return sdk::filled("full", shape, value, dtype);
}
inline Tensor zeros(const Shape& shape, DType dtype = DType::automatic) {
  return sdk::filled("zeros", shape, 0, dtype);
}
inline Tensor ones(const Shape& shape, DType dtype = DType::automatic) {
  return sdk::filled("ones", shape, 1, dtype);
}
inline Tensor zeros_like(const Tensor& x) {
  return sdk::filled("zeros_like", x.shape(), 0, x.dtype());
}
inline Tensor ones_like(const Tensor& x) {
  return sdk::filled("ones_like", x.shape(), 1, x.dtype());
}

/// A C++ number as a scalar of this dtype; one beyond the range of float32 becomes infinite in it.
inline Tensor scalar(double value, DType dtype = DType::automatic) {
  const bool whole = !is_floating(dtype) && dtype != DType::automatic;
  if (whole && !(value == std::floor(value) && sdk::within(value, dtype)))
    throw ShapeError(
        "the number " + sdk::shortest(value) + " meets a tensor of dtype " + name_of(dtype) +
        (value != std::floor(value) ? " and would lose its fraction." : ", which cannot hold it.") +
        "\n  cast(x, float32) first.");
  return sdk::filled("scalar", {}, value, dtype);
}

#define TEMPO_UNARY(name)               \
  inline Tensor name(const Tensor& x) { \
    static const sdk::Op op(#name);     \
    return op(x);                       \
  }
/// -x.
TEMPO_UNARY(negative)
/// e^x.
TEMPO_UNARY(exp)
/// e^x - 1, to full precision near 0.
TEMPO_UNARY(expm1)
/// ln(x): -infinity at 0, NaN below.
TEMPO_UNARY(log)
/// ln(1 + x), to full precision near 0.
TEMPO_UNARY(log1p)
/// The square root; NaN below 0.
TEMPO_UNARY(sqrt)
/// x * x.
TEMPO_UNARY(square)
/// |x|, with a gradient of 0 at 0.
TEMPO_UNARY(abs)
/// -1, 0 or 1. No gradient flows.
TEMPO_UNARY(sign)
/// floor rounds down, ceil up, and round to the nearest integer (ties to even), in x's dtype. No
/// gradient flows.
TEMPO_UNARY(floor)
TEMPO_UNARY(ceil)
TEMPO_UNARY(round)
/// The sine, or cosine, of x in radians.
TEMPO_UNARY(sin)
TEMPO_UNARY(cos)
/// The hyperbolic tangent.
TEMPO_UNARY(tanh)
/// 1 / (1 + e^-x).
TEMPO_UNARY(sigmoid)
/// max(x, 0), with a gradient of 0 at 0.
TEMPO_UNARY(relu)
/// ln(1 + e^x), without overflow.
TEMPO_UNARY(softplus)
/// The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.
TEMPO_UNARY(erf)
/// The negation of booleans.
TEMPO_UNARY(logical_not)
/// x itself; no gradient flows through it.
TEMPO_UNARY(stop_gradient)
#undef TEMPO_UNARY

#define TEMPO_BINARY(name)                                                                \
  inline Tensor name(const Tensor& a, const Tensor& b) {                                  \
    static const sdk::Op op(#name);                                                       \
    return op(a, b);                                                                      \
  }                                                                                       \
  inline Tensor name(const Tensor& a, double b) { return name(a, scalar(b, a.dtype())); } \
  inline Tensor name(double a, const Tensor& b) { return name(scalar(a, b.dtype()), b); }
TEMPO_BINARY(add)
TEMPO_BINARY(subtract)
TEMPO_BINARY(multiply)
TEMPO_BINARY(divide)
TEMPO_BINARY(pow)
/// a - b floor(a / b), which has the sign of b; NaN for b = 0.
TEMPO_BINARY(mod)
TEMPO_BINARY(minimum)
TEMPO_BINARY(maximum)
TEMPO_BINARY(equal)
TEMPO_BINARY(not_equal)
TEMPO_BINARY(less)
TEMPO_BINARY(less_equal)
TEMPO_BINARY(greater)
TEMPO_BINARY(greater_equal)
#undef TEMPO_BINARY

inline Tensor logical_and(const Tensor& a, const Tensor& b) {
  static const sdk::Op op("logical_and");
  return op(a, b);
}
inline Tensor logical_or(const Tensor& a, const Tensor& b) {
  static const sdk::Op op("logical_or");
  return op(a, b);
}

inline Tensor operator-(const Tensor& x) { return negative(x); }

#define TEMPO_OPERATOR(symbol, name)                                                     \
  inline Tensor operator symbol(const Tensor& a, const Tensor& b) { return name(a, b); } \
  inline Tensor operator symbol(const Tensor& a, double b) { return name(a, b); }        \
  inline Tensor operator symbol(double a, const Tensor& b) { return name(a, b); }
TEMPO_OPERATOR(+, add)
TEMPO_OPERATOR(-, subtract)
TEMPO_OPERATOR(*, multiply)
TEMPO_OPERATOR(/, divide)
TEMPO_OPERATOR(<, less)
TEMPO_OPERATOR(<=, less_equal)
TEMPO_OPERATOR(>, greater)
TEMPO_OPERATOR(>=, greater_equal)
#undef TEMPO_OPERATOR

namespace sdk {
/// Whether x is a parameter or a weight of a layer, which `assign` may change. A weight without a
/// path is recognised because it refuses a mask.
inline bool is_weight(const Tensor& x) {
  const tempo_view v = x.view();
  if (!v.data) return false;
  if (*v.path) return true;
  if (!(v.flags & TEMPO_TRACKED)) return false;
  tempo_tensor* out = nullptr;
  const bool refused = host().with_mask(x.handle(), nullptr, &out) != TEMPO_OK;
  if (out) host().release(out);
  return refused;
}
/// `a op= b` makes the name stand for another tensor; for a weight, the user means to change it.
inline void require_no_weight(const char* sign, const Tensor& a) {
  if (!is_weight(a)) return;
  const std::string path = a.path();
  throw Error(std::string(sign) + "=: " + (path.empty() ? "a parameter" : "`" + path + "`") +
              " is a weight, and " + sign +
              "= would leave it as it is: the name alone would stand for another tensor.\n  "
              "assign(w, w " +
              sign + " x) writes into a weight.");
}
}  // namespace sdk

#define TEMPO_ASSIGNMENT(symbol)                                  \
  inline Tensor& operator symbol##=(Tensor& a, const Tensor& b) { \
    sdk::require_no_weight(#symbol, a);                           \
    return a = a symbol b;                                        \
  }                                                               \
  inline Tensor& operator symbol##=(Tensor& a, double b) {        \
    sdk::require_no_weight(#symbol, a);                           \
    return a = a symbol b;                                        \
  }
TEMPO_ASSIGNMENT(+)
TEMPO_ASSIGNMENT(-)
TEMPO_ASSIGNMENT(*)
TEMPO_ASSIGNMENT(/)
#undef TEMPO_ASSIGNMENT

/// a where condition (bool) is true, else b. Elements that are not chosen affect neither the values
/// nor, to any order, the gradients, even if they are infinite or NaN. Their inputs, though, get a
/// gradient of 0 times the slope there, which is NaN if the slope is infinite or NaN. So choose the
/// inputs of such a function, too: where(ok, log(where(ok, x, 1)), 0).
inline Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  static const sdk::Op op("where");
  return op({condition.handle(), a.handle(), b.handle()});
}
inline Tensor where(const Tensor& condition, const Tensor& a, double b) {
  return where(condition, a, scalar(b, a.dtype()));
}
inline Tensor where(const Tensor& condition, double a, const Tensor& b) {
  return where(condition, scalar(a, b.dtype()), b);
}

/// x clipped to [low, high]; the gradient is 0 outside.
inline Tensor clip(const Tensor& x, double low, double high) {
  return minimum(maximum(x, low), high);
}

inline Tensor cast(const Tensor& x, DType dtype) {
  static const sdk::Op op("cast");
  return dtype == x.dtype() ? x : op(x, {{"dtype", dtype}});
}

}  // namespace tempo
