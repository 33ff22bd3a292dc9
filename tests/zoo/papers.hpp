// SPDX-License-Identifier: Apache-2.0
// The zoo's cells as loops over plain numbers, one sequence at a time, written from the equations
// of their papers: what the layers are compared with.
#pragma once

#include "zoo/numbers.hpp"

namespace tempo::testing::papers {

/// Feng et al., 2024: z = s(x Wz), h = (1 - z) h + z (x Wh).
inline Rows min_gru(const NamedWeights& w, const Rows& x) {
  const std::size_t n = w["bias"].size() / 2;
  Row h = zero(n);
  Rows y;
  for (const Row& now : x) {
    const Row raw = product(now, w["kernel"], w["bias"]);
    for (std::size_t j = 0; j < n; ++j) {
      const double z = logistic(raw[j]);
      h[j] = (1 - z) * h[j] + z * raw[n + j];
    }
    y.push_back(h);
  }
  return y;
}

/// Feng et al., 2024: f and i are divided by their sum.
inline Rows min_lstm(const NamedWeights& w, const Rows& x) {
  const std::size_t n = w["bias"].size() / 3;
  Row h = zero(n);
  Rows y;
  for (const Row& now : x) {
    const Row raw = product(now, w["kernel"], w["bias"]);
    for (std::size_t j = 0; j < n; ++j) {
      const double f = logistic(raw[j]), i = logistic(raw[n + j]);
      h[j] = (f * h[j] + i * raw[2 * n + j]) / (f + i);
    }
    y.push_back(h);
  }
  return y;
}

/// Beck et al., 2024, equations 8 to 14 as they stand, without the stabiliser of equations 15 to
/// 17: it cancels.
inline Rows slstm(const NamedWeights& w, const Rows& x, std::size_t heads, bool exponential) {
  const std::size_t n = w["bias"].size() / 4, d = n / heads;
  Row h = zero(n), c = zero(n), norm = zero(n);
  Rows y;
  for (const Row& now : x) {
    const Row raw = plus(product(now, w["kernel"], w["bias"]), blocks(h, w["recurrent"], heads));
    for (std::size_t k = 0; k < heads; ++k)
      for (std::size_t j = 0; j < d; ++j) {
        const std::size_t at = k * 4 * d + j, unit = k * d + j;
        const double z = std::tanh(raw[at]), i = std::exp(raw[at + d]);
        const double f = exponential ? std::exp(raw[at + 2 * d]) : logistic(raw[at + 2 * d]);
        c[unit] = f * c[unit] + i * z;
        norm[unit] = f * norm[unit] + i;
        h[unit] = logistic(raw[at + 3 * d]) * c[unit] / norm[unit];
      }
    y.push_back(h);
  }
  return y;
}

/// Beck et al., 2024, equations 19 to 27, without the stabiliser, which cancels.
inline Rows mlstm(const NamedWeights& w, const Rows& x, std::size_t heads, bool exponential) {
  const std::size_t n = w["bias"].size() / 4, d = n / heads;
  Rows C(heads, zero(d * d)), norm(heads, zero(d)), y;
  for (const Row& now : x) {
    const Row gates = product(now, w["gate_kernel"], w["gate_bias"]);
    Row raw = product(now, w["kernel"]), h;
    for (std::size_t a = 0; a < heads; ++a)
      for (std::size_t s = 0; s < d; ++s)
        raw[a * 4 * d + d + s] /= std::sqrt(static_cast<double>(d));  // k, by equation 23
    raw = plus(raw, w["bias"]);
    for (std::size_t a = 0; a < heads; ++a) {
      const Row mine = cut(raw, a, heads), q = cut(mine, 0, 4), k = cut(mine, 1, 4),
                v = cut(mine, 2, 4), o = cut(mine, 3, 4);
      const double i = std::exp(gates[a]), raw_f = gates[heads + a],
                   f = exponential ? std::exp(raw_f) : logistic(raw_f);
      for (std::size_t r = 0; r < d; ++r)
        for (std::size_t s = 0; s < d; ++s) C[a][r * d + s] = f * C[a][r * d + s] + i * v[r] * k[s];
      for (std::size_t s = 0; s < d; ++s) norm[a][s] = f * norm[a][s] + i * k[s];
      const double scale = std::max(std::abs(dot(norm[a], q)), 1.0);
      const Row read = times(C[a], q);
      for (std::size_t r = 0; r < d; ++r) h.push_back(logistic(o[r]) * read[r] / scale);
    }
    y.push_back(h);
  }
  return y;
}

/// De et al., 2024, equations 1 to 4: a = sigmoid(L)^(8 r), h = a h + sqrt(1 - a^2) (i x).
inline Rows rg_lru(const NamedWeights& w, const Rows& input, std::size_t heads, bool convolution) {
  const std::size_t n = w["bias"].size(), d = n / heads;
  Rows x, y;
  for (const Row& now : input) x.push_back(product(now, w["kernel"], w["bias"]));
  if (convolution) x = convolved(x, w["conv_kernel"], w["conv_bias"]);
  Row h = zero(n);
  for (const Row& now : x) {
    const Row raw = plus(blocks(now, w["gate_kernel"], heads), w["gate_bias"]);
    for (std::size_t k = 0; k < heads; ++k)
      for (std::size_t j = 0; j < d; ++j) {
        const std::size_t unit = k * d + j;
        const double r = logistic(raw[k * 2 * d + j]), i = logistic(raw[k * 2 * d + d + j]);
        const double a = std::pow(logistic(w["a_parameter"][unit]), 8 * r);
        h[unit] = a * h[unit] + std::sqrt(1 - a * a) * i * now[unit];
      }
    y.push_back(h);
  }
  return y;
}

/// Yang et al., 2024, equation 10: S = S (a (I - b k k^T)) + b v k^T, the product written out.
inline Rows gated_delta_net(const NamedWeights& w, const Rows& x, std::size_t heads) {
  const std::size_t d = w["scale"].size();
  Rows S(heads, zero(d * d)), y;
  for (const Row& now : x) {
    const Row raw = product(now, w["kernel"]), gates = product(now, w["gate_kernel"]);
    Row h;
    for (std::size_t e = 0; e < heads; ++e) {
      const Row mine = cut(raw, e, heads), q = unit_length(each(swish, cut(mine, 0, 4))),
                k = unit_length(each(swish, cut(mine, 1, 4))), v = each(swish, cut(mine, 2, 4)),
                gate = each(swish, cut(mine, 3, 4));
      const double a = std::exp(-std::exp(w["rate"][e]) * soft_plus(gates[e] + w["rate_bias"][e])),
                   b = logistic(gates[heads + e]);
      const Row before = S[e];
      for (std::size_t r = 0; r < d; ++r)
        for (std::size_t s = 0; s < d; ++s) {
          double value = b * v[r] * k[s];
          for (std::size_t m = 0; m < d; ++m)
            value += before[r * d + m] * a * ((m == s ? 1.0 : 0.0) - b * k[m] * k[s]);
          S[e][r * d + s] = value;
        }
      Row read = times(S[e], q);
      for (double& value : read) value /= std::sqrt(static_cast<double>(d));
      read = rms_normal(read);
      for (std::size_t r = 0; r < d; ++r) h.push_back(read[r] * w["scale"][r] * gate[r]);
    }
    y.push_back(h);
  }
  return y;
}

/// Peng et al., 2025, section 4: S = S (diag(w) - k1^T (a k1)) + v^T k2, the product
/// written out.
inline Rows rwkv7(const NamedWeights& w, const Rows& x, std::size_t heads) {
  const std::size_t n = w["rate_bias"].size(), d = n / heads;
  Rows S(heads, zero(d * d)), y;
  Row last = zero(x[0].size());
  for (const Row& now : x) {
    Rows mixed;
    for (std::size_t i = 0; i < 6; ++i) {
      Row m = now;
      for (std::size_t j = 0; j < m.size(); ++j)
        m[j] += (last[j] - now[j]) * w["mix"][i * m.size() + j];
      mixed.push_back(m);
    }
    const Row r = product(mixed[0], cut(w["kernel"], 0, 3)),
              k = product(mixed[1], cut(w["kernel"], 1, 3)),
              v = product(mixed[2], cut(w["kernel"], 2, 3)),
              d_raw = product(each([](double u) { return std::tanh(u); },
                                   product(mixed[3], cut(w["down"], 0, 3))),
                              cut(w["up"], 0, 3), w["decay_bias"]),
              a_raw = product(product(mixed[4], cut(w["down"], 1, 3)), cut(w["up"], 1, 3),
                              w["rate_bias"]),
              g = product(each(logistic, product(mixed[5], cut(w["down"], 2, 3))),
                          cut(w["up"], 2, 3));
    Row out;
    for (std::size_t e = 0; e < heads; ++e) {
      Row decay, a, k1, k2;
      for (std::size_t j = e * d; j < (e + 1) * d; ++j) {
        decay.push_back(std::exp(-std::exp(-0.5) * logistic(d_raw[j])));
        a.push_back(logistic(a_raw[j]));
        k1.push_back(k[j] * w["removal"][j]);
        k2.push_back(k[j] * (1 + (a.back() - 1) * w["renewal"][j]));
      }
      k1 = unit_length(k1);
      const Row before = S[e], mine = cut(v, e, heads), query = cut(r, e, heads);
      for (std::size_t p = 0; p < d; ++p)
        for (std::size_t s = 0; s < d; ++s) {
          double value = mine[p] * k2[s];
          for (std::size_t m = 0; m < d; ++m)
            value += before[p * d + m] * ((m == s ? decay[s] : 0.0) - k1[m] * a[s] * k1[s]);
          S[e][p * d + s] = value;
        }
      const Row read = normal_of(times(S[e], query), 1e-5 * static_cast<double>(d));
      double bonus = 0;
      for (std::size_t j = 0; j < d; ++j) bonus += query[j] * w["bonus"][e * d + j] * k2[j];
      for (std::size_t j = 0; j < d; ++j) {
        const std::size_t u = e * d + j;
        out.push_back(g[u] * (read[j] * w["gamma"][u] + w["beta"][u] + bonus * mine[j]));
      }
    }
    y.push_back(out);
    last = now;
  }
  return y;
}

/// Dao and Gu, 2024: S = e^(dt A) S + dt u B^T, y = S C + D u, one group.
inline Rows mamba2(const NamedWeights& w, const Rows& input, std::size_t heads, bool convolution) {
  const std::size_t n = w["scale"].size(), d = n / heads,
                    states = (w["kernel"].size() / input[0].size() - 2 * n - heads) / 2;
  Rows raw, in, y;
  for (const Row& now : input) {
    raw.push_back(product(now, w["kernel"]));
    in.push_back(range(raw.back(), n, n + 2 * states));
  }
  if (convolution) in = convolved(in, w["conv_kernel"], w["conv_bias"]);
  Row S = zero(n * states);
  for (std::size_t t = 0; t < input.size(); ++t) {
    const Row now = each(swish, in[t]), B = range(now, n, states),
              C = range(now, n + states, states);
    Row out;
    for (std::size_t u = 0; u < n; ++u) {
      const std::size_t e = u / d;
      const double dt = soft_plus(raw[t][2 * n + 2 * states + e] + w["rate_bias"][e]);
      double read = w["direct"][e] * now[u];
      for (std::size_t s = 0; s < states; ++s) {
        double& value = S[u * states + s];
        value = std::exp(-dt * std::exp(w["rate"][e])) * value + dt * now[u] * B[s];
        read += value * C[s];
      }
      out.push_back(read * swish(raw[t][u]));
    }
    out = rms_normal(out);
    for (std::size_t u = 0; u < n; ++u) out[u] *= w["scale"][u];
    y.push_back(out);
  }
  return y;
}

}  // namespace tempo::testing::papers
