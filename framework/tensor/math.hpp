// Scalar functions of the elementwise kernels, for float and double. Stable: no overflow on the way
// to a finite value, no cancellation where the result is small.
#pragma once

#include <cmath>

namespace tempo {

/// 1 / (1 + e^-x)
template <class T>
T logistic(T x) {
  const T e = std::exp(-std::abs(x));
  return (x >= 0 ? T(1) : e) / (T(1) + e);
}

/// log(1 + e^x)
template <class T>
T softplus(T x) {
  return std::log1p(std::exp(-std::abs(x))) + (x > 0 ? x : T(0));
}

/// log(1 / (1 + e^-x))
template <class T>
T log_logistic(T x) {
  return -softplus(-x);
}

/// The standard normal distribution: P(X <= x), and its density.
template <class T>
T normal_cdf(T x) {
  return T(0.5) * std::erfc(-x * T(0.70710678118654752440));
}
template <class T>
T normal_density(T x) {
  return T(0.39894228040143267794) * std::exp(T(-0.5) * x * x);
}

/// x P(X <= x) of a standard normal X (Hendrycks and Gimpel, 2016), and its derivative.
template <class T>
T gelu_exact(T x) {
  return x * normal_cdf(x);
}
template <class T>
T gelu_exact_derivative(T x) {
  return normal_cdf(x) + x * normal_density(x);
}

/// -1, 0 or 1; NaN stays NaN.
template <class T>
T sign(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : x;
}

}  // namespace tempo
