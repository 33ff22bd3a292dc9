// SPDX-License-Identifier: Apache-2.0
// The other cells of the zoo as loops over plain numbers: relatives of the LSTM, cells of time, of
// memory and of spikes. papers.hpp has those that are linear in their state or have matrices.
#pragma once

#include <complex>

#include "zoo/numbers.hpp"

namespace tempo::testing::papers {

/// The gates i, f, g, o of an LSTM before their functions.
inline Row lstm_gates(const NamedWeights& w, const Row& x, const Row& h) {
  return plus(product(x, w["kernel"], w["bias"]), product(h, w["recurrent"]));
}

/// Hochreiter and Schmidhuber, 1997, with peepholes where there are some (Gers et al., 2002), and
/// what zoneout expects (Krueger et al., 2017).
inline Rows lstm(const NamedWeights& w, const Rows& x, bool peepholes, double keep_c,
                 double keep_h) {
  const std::size_t n = w["bias"].size() / 4;
  Row h = zero(n), c = zero(n);
  const Row p = peepholes ? w["peephole"] : zero(3 * n);
  Rows y;
  for (const Row& now : x) {
    const Row raw = lstm_gates(w, now, h);
    for (std::size_t j = 0; j < n; ++j) {
      const double i = logistic(raw[j] + p[j] * c[j]), f = logistic(raw[n + j] + p[n + j] * c[j]),
                   new_c = f * c[j] + i * std::tanh(raw[2 * n + j]),
                   o = logistic(raw[3 * n + j] + p[2 * n + j] * new_c);
      c[j] = keep_c * c[j] + (1 - keep_c) * new_c;
      h[j] = keep_h * h[j] + (1 - keep_h) * o * std::tanh(new_c);
    }
    y.push_back(h);
  }
  return y;
}

/// Ba et al., 2016, equations 20 to 22.
inline Rows layer_norm_lstm(const NamedWeights& w, const Rows& x, double epsilon) {
  const std::size_t n = w["bias"].size() / 4;
  Row h = zero(n), c = zero(n);
  Rows y;
  for (const Row& now : x) {
    const Row from_x = normal_of(product(now, w["kernel"]), epsilon),
              from_h = normal_of(product(h, w["recurrent"]), epsilon);
    Row raw = w["bias"];
    for (std::size_t j = 0; j < 4 * n; ++j)
      raw[j] += w["gamma"][j] * from_x[j] + w["gamma"][4 * n + j] * from_h[j];
    for (std::size_t j = 0; j < n; ++j)
      c[j] = logistic(raw[n + j]) * c[j] + logistic(raw[j]) * std::tanh(raw[2 * n + j]);
    const Row seen = normal_of(c, epsilon);
    for (std::size_t j = 0; j < n; ++j)
      h[j] = logistic(raw[3 * n + j]) *
             std::tanh(seen[j] * w["memory_gamma"][j] + w["memory_beta"][j]);
    y.push_back(h);
  }
  return y;
}

/// Li et al., 2018, section 3.
inline Rows ind_rnn(const NamedWeights& w, const Rows& x) {
  Row h = zero(w["bias"].size());
  Rows y;
  for (const Row& now : x) {
    const Row raw = product(now, w["kernel"], w["bias"]);
    for (std::size_t j = 0; j < h.size(); ++j)
      h[j] = std::max(0.0, raw[j] + w["recurrent"][j] * h[j]);
    y.push_back(h);
  }
  return y;
}

/// Lei et al., 2018, equations 1 to 4.
inline Rows sru(const NamedWeights& w, const Rows& x) {
  const std::size_t n = w["bias"].size() / 2;
  const bool projected = w["kernel"].size() / x[0].size() == 4 * n;
  Row c = zero(n);
  Rows y;
  for (const Row& now : x) {
    const Row raw = product(now, w["kernel"]);
    Row h;
    for (std::size_t j = 0; j < n; ++j) {
      const double f = logistic(raw[j] + w["recurrent"][j] * c[j] + w["bias"][j]),
                   r = logistic(raw[n + j] + w["recurrent"][n + j] * c[j] + w["bias"][n + j]);
      c[j] = f * c[j] + (1 - f) * raw[2 * n + j];
      h.push_back(r * c[j] + (1 - r) * (projected ? raw[3 * n + j] : now[j]));
    }
    y.push_back(h);
  }
  return y;
}

/// Orvieto et al., 2023: h = l h + g B x with l = exp(-exp(nu) + i exp(theta)), y = Re(C h) + D x.
inline Rows lru(const NamedWeights& w, const Rows& x) {
  using Complex = std::complex<double>;
  const std::size_t n = w["nu"].size();
  std::vector<Complex> h(n);
  Rows y;
  for (const Row& now : x) {
    const Row re = product(now, cut(w["in"], 0, 2)), im = product(now, cut(w["in"], 1, 2));
    Row out = product(now, w["direct"]);
    for (std::size_t j = 0; j < n; ++j) {
      const Complex l = std::exp(Complex(-std::exp(w["nu"][j]), std::exp(w["theta"][j])));
      h[j] = l * h[j] + std::exp(w["gamma"][j]) * Complex(re[j], im[j]);
      for (std::size_t k = 0; k < out.size(); ++k)
        out[k] += (h[j] * Complex(w["out"][j * out.size() + k], w["out"][(n + j) * out.size() + k]))
                      .real();
    }
    y.push_back(out);
  }
  return y;
}

/// Zilly et al., 2017, equations 6 to 9, with c = 1 - t.
inline Rows rhn(const NamedWeights& w, const Rows& x, std::size_t depth) {
  const std::size_t n = w["bias"].size() / (2 * depth);
  Row s = zero(n);
  Rows y;
  for (const Row& now : x) {
    for (std::size_t l = 0; l < depth; ++l) {
      Row raw = product(s, cut(w["recurrent"], l, depth), cut(w["bias"], l, depth));
      if (l == 0) raw = plus(raw, product(now, w["kernel"]));
      for (std::size_t j = 0; j < n; ++j) {
        const double t = logistic(raw[n + j]);
        s[j] = std::tanh(raw[j]) * t + s[j] * (1 - t);
      }
    }
    y.push_back(s);
  }
  return y;
}

/// Neftci et al., 2019: the potential decays, is reset by its spike, and fires above the threshold.
inline Rows lif(const NamedWeights& w, const Rows& x, double decay, double threshold) {
  const std::size_t n = w["bias"].size();
  Row u = zero(n), fired = zero(n);
  Rows y;
  for (const Row& now : x) {
    const Row in = plus(product(now, w["kernel"], w["bias"]), product(fired, w["recurrent"]));
    for (std::size_t j = 0; j < n; ++j) {
      u[j] = (fired[j] > 0 ? 0 : decay * u[j]) + in[j];
      fired[j] = u[j] > threshold ? 1 : 0;
    }
    y.push_back(fired);
  }
  return y;
}

/// Che et al., 2018, the model of its methods: x[0] values, x[1] whether observed, x[2] time since.
inline Rows gru_d(const NamedWeights& w, const std::vector<Rows>& x) {
  const std::size_t n = w["candidate_bias"].size(), features = x[0][0].size();
  const auto relu = [](double v) { return std::max(0.0, v); };
  Row h = zero(n), last = w["mean"];
  Rows y;
  for (std::size_t t = 0; t < x[0].size(); ++t) {
    Row value = x[0][t];
    for (std::size_t j = 0; j < features; ++j) {
      const double keep = std::exp(-relu(x[2][t][j] * w["decay_x"][j] + w["decay_x_bias"][j]));
      if (x[1][t][j] > 0.5)
        last[j] = value[j];
      else
        value[j] = keep * last[j] + (1 - keep) * w["mean"][j];
    }
    const Row decay = product(x[2][t], w["decay_h"], w["decay_h_bias"]);
    for (std::size_t j = 0; j < n; ++j) h[j] *= std::exp(-relu(decay[j]));
    const Row gates =
        each(logistic, product(joined(joined(value, h), x[1][t]), w["gates"], w["gates_bias"]));
    Row reset = h;
    for (std::size_t j = 0; j < n; ++j) reset[j] *= gates[n + j];
    const Row candidate =
        product(joined(joined(value, reset), x[1][t]), w["candidate"], w["candidate_bias"]);
    for (std::size_t j = 0; j < n; ++j)
      h[j] = (1 - gates[j]) * h[j] + gates[j] * std::tanh(candidate[j]);
    y.push_back(h);
  }
  return y;
}

/// The number of step t in a second sequence, or `otherwise` where there is none.
inline double time_of(const std::vector<Rows>& x, std::size_t t, double otherwise) {
  return x.size() > 1 ? x[1][t][0] : otherwise;
}

/// Hasani et al., 2022, the default form of the authors' program.
inline Rows cfc(const NamedWeights& w, const std::vector<Rows>& x) {
  const std::size_t n = w["bias"].size() / 4;
  Row h = zero(n);
  Rows y;
  for (std::size_t t = 0; t < x[0].size(); ++t) {
    const Row read = product(joined(x[0][t], h), w["backbone"], w["backbone_bias"]),
              raw = product(each([](double v) { return 1.7159 * std::tanh(0.666 * v); }, read),
                            w["kernel"], w["bias"]);
    for (std::size_t j = 0; j < n; ++j) {
      const double share = logistic(raw[2 * n + j] * time_of(x, t, 1) + raw[3 * n + j]);
      h[j] = (1 - share) * std::tanh(raw[j]) + share * std::tanh(raw[n + j]);
    }
    y.push_back(h);
  }
  return y;
}

/// Hasani et al., 2021, equation 3: h = (h + d f A) / (1 + d (1 / tau + f)).
inline Rows ltc(const NamedWeights& w, const std::vector<Rows>& x, int unfolds) {
  const std::size_t n = w["bias"].size();
  Row h = zero(n);
  Rows y;
  for (std::size_t t = 0; t < x[0].size(); ++t) {
    const double d = time_of(x, t, 1) / unfolds;
    for (int k = 0; k < unfolds; ++k) {
      const Row f = each(
          logistic, plus(product(x[0][t], w["kernel"], w["bias"]), product(h, w["recurrent"])));
      for (std::size_t j = 0; j < n; ++j)
        h[j] = (h[j] + d * f[j] * w["A"][j]) / (1 + d * (1 / soft_plus(w["tau"][j]) + f[j]));
    }
    y.push_back(h);
  }
  return y;
}

/// Neil et al., 2016, section 2; a closed gate leaks in training alone.
inline Rows phased_lstm(const NamedWeights& w, const std::vector<Rows>& x, double open,
                        double leak) {
  const std::size_t n = w["period"].size();
  const Row& p = w["peephole"];
  Row h = zero(n), c = zero(n);
  Rows y;
  for (std::size_t t = 0; t < x[0].size(); ++t) {
    const Row raw = lstm_gates(w, x[0][t], h);
    for (std::size_t j = 0; j < n; ++j) {
      const double turns = (time_of(x, t, static_cast<double>(t)) - w["shift"][j]) / w["period"][j];
      const double phase = turns - std::floor(turns);
      const double k = phase < open / 2 ? 2 * phase / open
                       : phase < open   ? 2 - 2 * phase / open
                                        : leak * phase;
      const double i = logistic(raw[j] + p[j] * c[j]), f = logistic(raw[n + j] + p[n + j] * c[j]),
                   new_c = f * c[j] + i * std::tanh(raw[2 * n + j]),
                   new_h = logistic(raw[3 * n + j] + p[2 * n + j] * new_c) * std::tanh(new_c);
      c[j] = k * new_c + (1 - k) * c[j];
      h[j] = k * new_h + (1 - k) * h[j];
    }
    y.push_back(h);
  }
  return y;
}

/// Hoedt et al., 2021: masses x[0] come in by shares i, move by shares R, and leave by o.
inline Rows mc_lstm(const NamedWeights& w, const std::vector<Rows>& x) {
  const std::size_t n = w["out_bias"].size(), masses = x[0][0].size();
  Row c = zero(n);
  Rows y;
  for (std::size_t t = 0; t < x[0].size(); ++t) {
    double whole = 1e-5;
    for (const double mass : c) whole += std::abs(mass);
    const Row seen = joined(x[1][t], each([&](double mass) { return mass / whole; }, c));
    const Row in = product(seen, w["in"], w["in_bias"]),
              R = product(seen, w["move"], w["move_bias"]),
              o = each(logistic, product(seen, w["out"], w["out_bias"]));
    Row total = zero(n);
    for (std::size_t m = 0; m < masses; ++m) {
      const Row shares = soft_max(cut(in, m, masses));
      for (std::size_t j = 0; j < n; ++j) total[j] += x[0][t][m] * shares[j];
    }
    for (std::size_t from = 0; from < n; ++from) {
      const Row shares = soft_max(cut(R, from, n));
      for (std::size_t j = 0; j < n; ++j) total[j] += c[from] * shares[j];
    }
    Row leaves;
    for (std::size_t j = 0; j < n; ++j) {
      leaves.push_back(o[j] * total[j]);
      c[j] = total[j] - leaves[j];
    }
    y.push_back(leaves);
  }
  return y;
}

/// Voelker et al., 2019, equations 1 to 7; between steps u is held, and the memory is run by many
/// small steps of Runge and Kutta's method.
inline Rows lmu(const NamedWeights& w, const Rows& x, std::size_t order, double theta) {
  const std::size_t n = w["recurrent"].size() / w["from_memory"].size() * order;
  const auto slope = [&](const Row& m, double u) {
    Row d;
    for (std::size_t i = 0; i < order; ++i) {
      double value = (i % 2 == 0 ? 1.0 : -1.0) * u;
      for (std::size_t j = 0; j < order; ++j)
        value += (i < j ? -1.0 : (i - j + 1) % 2 == 0 ? 1.0 : -1.0) * m[j];
      d.push_back(static_cast<double>(2 * i + 1) / theta * value);
    }
    return d;
  };
  const auto moved = [](Row m, double by, const Row& d) {
    for (std::size_t i = 0; i < m.size(); ++i) m[i] += by * d[i];
    return m;
  };
  Row h = zero(n), m = zero(order);
  Rows y;
  for (const Row& now : x) {
    const double u = product(joined(joined(now, h), m), w["signal"])[0];
    constexpr int parts = 4000;
    for (int k = 0; k < parts; ++k) {
      const double d = 1.0 / parts;
      const Row a = slope(m, u), b = slope(moved(m, d / 2, a), u), c = slope(moved(m, d / 2, b), u),
                e = slope(moved(m, d, c), u);
      for (std::size_t i = 0; i < order; ++i) m[i] += d / 6 * (a[i] + 2 * b[i] + 2 * c[i] + e[i]);
    }
    h = each([](double v) { return std::tanh(v); },
             plus(plus(product(now, w["kernel"]), product(h, w["recurrent"])),
                  product(m, w["from_memory"])));
    y.push_back(h);
  }
  return y;
}

/// Hafner et al., 2025, the program's _core: embeddings, a layer in blocks, a GRU in blocks.
inline Rows block_gru(const NamedWeights& w, const Rows& x, std::size_t heads) {
  const std::size_t n = w["hidden_scale"].size(), d = n / heads;
  const auto normal = [](const Row& raw, const Row& scale) {
    Row y = rms_normal(raw, 1e-4);
    for (std::size_t j = 0; j < y.size(); ++j) y[j] *= scale[j];
    return each(swish, y);
  };
  Row h = zero(n);
  Rows y;
  for (const Row& now : x) {
    const Row both =
        joined(normal(product(h, w["state_kernel"], w["state_bias"]), w["state_scale"]),
               normal(product(now, w["kernel"], w["bias"]), w["scale"]));
    Row seen;
    for (std::size_t k = 0; k < heads; ++k) seen = joined(joined(seen, cut(h, k, heads)), both);
    const Row hidden =
        normal(plus(blocks(seen, w["hidden_kernel"], heads), w["hidden_bias"]), w["hidden_scale"]);
    const Row gates = plus(blocks(hidden, w["gate_kernel"], heads), w["gate_bias"]);
    for (std::size_t k = 0; k < heads; ++k)
      for (std::size_t j = 0; j < d; ++j) {
        const std::size_t at = k * 3 * d + j;
        const double update = logistic(gates[at + 2 * d] - 1);
        h[k * d + j] =
            update * std::tanh(logistic(gates[at]) * gates[at + d]) + (1 - update) * h[k * d + j];
      }
    y.push_back(h);
  }
  return y;
}

/// Mishra et al., 2026: Z = tanh(S W + k v^T), S = f S + (1 - f) Z, y = S^T q + D v.
inline Rows m2rnn(const NamedWeights& w, const Rows& input, std::size_t heads, bool convolution) {
  const std::size_t n = w["scale"].size(), d = n / heads;
  Rows raw, in, y;
  for (const Row& now : input) {
    raw.push_back(product(now, w["kernel"]));
    in.push_back(range(raw.back(), n, 3 * n));
  }
  if (convolution) in = convolved(in, w["conv_kernel"], w["conv_bias"]);
  Rows S(heads, zero(d * d));
  for (std::size_t t = 0; t < input.size(); ++t) {
    const Row now = each(swish, in[t]);
    Row out;
    for (std::size_t e = 0; e < heads; ++e) {
      const Row q = range(now, e * d, d), k = range(now, n + e * d, d),
                v = range(now, 2 * n + e * d, d), W = cut(w["recurrent"], e, heads), before = S[e];
      const double f = std::pow(1 / (1 + std::exp(raw[t][4 * n + e] + w["rate_bias"][e])),
                                std::exp(w["rate"][e]));
      Row read = zero(d);
      for (std::size_t a = 0; a < d; ++a)
        for (std::size_t b = 0; b < d; ++b) {
          double z = k[a] * v[b];
          for (std::size_t m = 0; m < d; ++m) z += before[a * d + m] * W[m * d + b];
          S[e][a * d + b] = f * before[a * d + b] + (1 - f) * std::tanh(z);
          read[b] += q[a] * S[e][a * d + b];
        }
      for (std::size_t b = 0; b < d; ++b)
        out.push_back((read[b] + w["direct"][e * d + b] * v[b]) * swish(raw[t][e * d + b]));
    }
    out = rms_normal(out);
    for (std::size_t u = 0; u < n; ++u) out[u] *= w["scale"][u];
    y.push_back(out);
  }
  return y;
}

/// Bahdanau et al., 2015, appendix A.2: x[1] is the memory, a row for each place.
inline Rows attention_decoder(const NamedWeights& w, const std::vector<Rows>& x) {
  const std::size_t n = w["bias"].size() / 3;
  Row h = zero(n);
  Rows y;
  for (const Row& now : x[0]) {
    Row scores, got = zero(x[1][0].size());
    for (const Row& place : x[1])
      scores.push_back(dot(each([](double v) { return std::tanh(v); },
                                plus(product(h, w["query"]), product(place, w["key"]))),
                           w["score"]));
    const Row shares = soft_max(scores);
    for (std::size_t p = 0; p < shares.size(); ++p)
      for (std::size_t j = 0; j < got.size(); ++j) got[j] += shares[p] * x[1][p][j];
    const Row in = product(joined(now, got), w["kernel"], w["bias"]),
              gates = product(h, w["recurrent"]);
    Row reset = h;
    for (std::size_t j = 0; j < n; ++j) reset[j] *= logistic(in[n + j] + gates[n + j]);
    const Row candidate = product(reset, w["recurrent_candidate"]);
    for (std::size_t j = 0; j < n; ++j) {
      const double z = logistic(in[j] + gates[j]);
      h[j] = (1 - z) * h[j] + z * std::tanh(in[2 * n + j] + candidate[j]);
    }
    y.push_back(h);
  }
  return y;
}

}  // namespace tempo::testing::papers
