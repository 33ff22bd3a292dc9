// SPDX-License-Identifier: Apache-2.0
// What loops over plain numbers are written with: rows, matrices as they lie in weights, and the
// functions of papers. Nothing of Tempo computes here.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace tempo::testing {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

/// The weights of a layer by their names, each in row-major order.
struct NamedWeights {
  std::map<std::string, Row> all;
  const Row& operator[](const std::string& name) const {
    const auto found = all.find(name);
    if (found == all.end()) throw std::runtime_error("there is no weight " + name);
    return found->second;
  }
};

inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }
inline double soft_plus(double x) { return std::log(1 + std::exp(x)); }
inline double swish(double x) { return x * logistic(x); }

template <class F>
Row each(const F& f, const Row& x) {
  Row y;
  for (const double value : x) y.push_back(f(value));
  return y;
}

inline Row zero(std::size_t n) { return Row(n, 0.0); }
inline Row cut(const Row& x, std::size_t part, std::size_t of) {
  const std::size_t n = x.size() / of;
  return Row(x.begin() + static_cast<std::ptrdiff_t>(part * n),
             x.begin() + static_cast<std::ptrdiff_t>((part + 1) * n));
}
inline Row range(const Row& x, std::size_t begin, std::size_t n) {
  return Row(x.begin() + static_cast<std::ptrdiff_t>(begin),
             x.begin() + static_cast<std::ptrdiff_t>(begin + n));
}
inline Row joined(Row a, const Row& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// x W of W [x.size(), columns].
inline Row product(const Row& x, const Row& W) {
  const std::size_t columns = W.size() / x.size();
  Row y(columns, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < columns; ++j) y[j] += x[i] * W[i * columns + j];
  return y;
}
inline Row plus(Row a, const Row& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b.at(i);
  return a;
}
inline Row product(const Row& x, const Row& W, const Row& bias) {
  return plus(product(x, W), bias);
}
/// x times H matrices [H, width, columns], each on its part of x.
inline Row blocks(const Row& x, const Row& W, std::size_t heads) {
  Row y;
  for (std::size_t k = 0; k < heads; ++k)
    y = joined(y, product(cut(x, k, heads), cut(W, k, heads)));
  return y;
}
inline double dot(const Row& a, const Row& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b.at(i);
  return total;
}
/// S x of S [m, x.size()].
inline Row times(const Row& S, const Row& x) {
  Row y;
  for (std::size_t i = 0; i < S.size() / x.size(); ++i)
    y.push_back(dot(cut(S, i, S.size() / x.size()), x));
  return y;
}
inline Row unit_length(Row x) {
  const double length = std::sqrt(dot(x, x) + 1e-6);
  for (double& value : x) value /= length;
  return x;
}
inline Row rms_normal(Row x, double epsilon = 1e-5) {
  const double root = std::sqrt(dot(x, x) / static_cast<double>(x.size()) + epsilon);
  for (double& value : x) value /= root;
  return x;
}
inline Row normal_of(Row x, double epsilon) {
  double mean = 0, variance = 0;
  for (const double value : x) mean += value / static_cast<double>(x.size());
  for (const double value : x)
    variance += (value - mean) * (value - mean) / static_cast<double>(x.size());
  for (double& value : x) value = (value - mean) / std::sqrt(variance + epsilon);
  return x;
}
inline Row soft_max(Row x) {
  double total = 0;
  for (double& value : x) total += value = std::exp(value);
  for (double& value : x) value /= total;
  return x;
}

/// A causal convolution of each channel: y_t = sum over i of K[i] x[t - (width - 1) + i].
inline Rows convolved(const Rows& x, const Row& K, const Row& bias) {
  const std::size_t channels = bias.size(), width = K.size() / channels;
  Rows y;
  for (std::size_t t = 0; t < x.size(); ++t) {
    Row now = bias;
    for (std::size_t i = 0; i < width; ++i)
      if (t + i + 1 >= width)
        for (std::size_t c = 0; c < channels; ++c)
          now[c] += K[i * channels + c] * x[t + i + 1 - width][c];
    y.push_back(now);
  }
  return y;
}

}  // namespace tempo::testing
