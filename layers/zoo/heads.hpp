// SPDX-License-Identifier: Apache-2.0
// The parts of formulas with heads: units cut into heads, a matrix for each.
#pragma once

#include <cmath>

#include <tempo/composition.hpp>
#include <tempo/creation.hpp>
#include <tempo/layers/units.hpp>
#include <tempo/matmul.hpp>

namespace tempo TEMPO_HIDDEN {
namespace zoo {

/// The number of units of a head.
template <class Options>
int64_t head_width(const char* who, const Options& o) {
  if (o.units % o.heads != 0)
    throw Error(std::string(who) + ": units is " + std::to_string(o.units) + " and heads is " +
                std::to_string(o.heads) +
                "; each head has the same number of units.\n  Make units a multiple of heads, or "
                "give {.heads = 1}.");
  return o.units / o.heads;
}

/// A head that is normalised alone needs more than one number: of one, only the sign is left.
inline void require_normal(const char* who, const char* what, int64_t n, const char* fix) {
  if (n > 1) return;
  throw Error(std::string(who) + ": " + what +
              " is 1 number, and it is normalised, which leaves at most its sign.\n  " + fix);
}
/// The number of units of a head whose output is normalised.
template <class Options>
int64_t normal_head_width(const char* who, const Options& o) {
  const int64_t width = head_width(who, o);
  require_normal(who, "a head", width, "Give fewer heads, or more units.");
  return width;
}

/// x [batch, heads * width] as [batch, heads, width], and back.
inline Tensor heads(const Tensor& x, int64_t n) {
  return reshape(x, {x.shape()[0], n, x.shape().back() / n});
}
inline Tensor joined(const Tensor& x) {
  return reshape(x, {x.shape()[0], x.shape()[1] * x.shape()[2]});
}

/// a b^T [..., m, n] of a [..., m] and b [..., n].
inline Tensor outer(const Tensor& a, const Tensor& b) {
  return expand_dims(a, -1) * expand_dims(b, -2);
}
/// S x [..., m] of S [..., m, n] and x [..., n].
inline Tensor times(const Tensor& S, const Tensor& x) {
  return squeeze(matmul(S, expand_dims(x, -1)), -1);
}

/// x with length 1 along the last axis, or less if x is nearly 0.
inline Tensor unit_length(const Tensor& x) { return x / sqrt(sum(square(x), -1, true) + 1e-6); }

/// The first values of a matrix with `rows` rows, if its shape does not show their number.
inline Initializer spread(int64_t rows) {
  const double most = 1 / std::sqrt(static_cast<double>(rows));
  return random_uniform(-most, most);
}
/// n numbers from `first` to `last`; only the first one if n is 1.
inline Tensor linspace(double first, double last, int64_t n, DType dtype) {
  const double step = n > 1 ? (last - first) / static_cast<double>(n - 1) : 0;
  return cast(arange(0, static_cast<double>(n), 1, float64) * step + first, dtype);
}
/// The logarithms of rates between 0 and 16: first values of gates e^(-rate * softplus(..)) in the
/// programs of Gated DeltaNet and M2RNN.
inline Tensor decay_rates(int64_t n, DType dtype) {
  return log(maximum(random_uniform({n}, 0, 16, dtype), 1e-4));
}
/// ln of a forget gate that is the sigmoid or the exponential of f; and the bias with which either
/// gate begins as the sigmoid of `as_sigmoid`.
inline Tensor log_forget(const std::string& activation, const Tensor& f) {
  return activation == "exponential" ? f : -softplus(-f);
}
inline Tensor forget_bias(const std::string& activation, const Tensor& as_sigmoid) {
  return activation == "exponential" ? -softplus(-as_sigmoid) : as_sigmoid;
}
/// Numbers whose softplus lies between 0.001 and 0.1, evenly in its logarithm (Gu and Dao,
/// 2023).
inline Tensor small_steps(int64_t n, DType dtype) {
  const Tensor dt = exp(random_uniform({n}, std::log(0.001), std::log(0.1), dtype));
  return dt + log(1 - exp(-dt));
}

}  // namespace zoo
}  // namespace tempo
