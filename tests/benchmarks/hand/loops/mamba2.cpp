// SPDX-License-Identifier: Apache-2.0
// S' = e^(-dt rate) S + dt u B^T, y = S' C + direct u; S lies as [state_size, width].
#include "mamba2.hpp"

#include "elementwise.hpp"

namespace bench {

namespace {

struct Gate {
  Gate(float raw, float rate) : dt(softplus(raw)), keep(std::exp(-dt * rate)) {}
  float dt, keep;
};

// `to` may equal `from`; adds S' C to `read` if wanted.
BENCH_INLINE void advance(int64_t n, int64_t state_size, Gate gate, const float* u, const float* B,
                          const float* C, const float* from, float* to, float* read) {
  for (int64_t s = 0; s < state_size; ++s, from += n, to += n) {
    const float in = gate.dt * B[s], out = C[s];
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      to[j] = gate.keep * from[j] + in * u[j];
      if (read) read[j] += out * to[j];
    }
  }
}

BENCH_INLINE void forward_of(const Mamba2Loop& l, int64_t pair, int64_t n) {
  const int64_t head = l.head(pair), size = l.state_size * n, channels = l.channels();
  const float rate = std::exp(l.rate[head]), direct = l.direct[head];
  Numbers S(size), read(n);
  for (int64_t t = 0; t < l.time; ++t) {
    const int64_t step = l.first(pair) + t;
    const float* const u = l.u + step * channels + head * n;
    if (l.kept && t % segment == 0)
      std::copy(S.begin(), S.end(), l.kept + (pair * segments_of(l.time) + t / segment) * size);
    const Gate gate(l.z[(step + 1) * l.columns - l.heads + head] + l.rate_bias[head], rate);
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) read[j] = direct * u[j];
    advance(n, l.state_size, gate, u, l.B + step * channels, l.C + step * channels, S.data(),
            S.data(), read.data());
    std::copy_n(read.data(), n, l.read + step * l.units() + head * n);
  }
}

BENCH_INLINE void backward_of(const Mamba2Loop& l, int64_t pair, int64_t n) {
  const int64_t head = l.head(pair), size = l.state_size * n, channels = l.channels();
  const float rate = std::exp(l.rate[head]), direct = l.direct[head];
  Numbers S((segment + 1) * size), dS(size), of_u(n);
  std::vector<Gate> gates(segment, Gate(0, 0));
  for (int64_t part = segments_of(l.time) - 1; part >= 0; --part) {
    const int64_t begin = part * segment, count = std::min(segment, l.time - begin);
    std::copy_n(l.kept + (pair * segments_of(l.time) + part) * size, size, S.data());
    for (int64_t t = 0; t < count; ++t) {
      const int64_t step = l.first(pair) + begin + t;
      gates[t] = Gate(l.z[(step + 1) * l.columns - l.heads + head] + l.rate_bias[head], rate);
      advance(n, l.state_size, gates[t], l.u + step * channels + head * n, l.B + step * channels,
              l.C + step * channels, S.data() + t * size, S.data() + (t + 1) * size, nullptr);
    }
    for (int64_t t = count - 1; t >= 0; --t) {
      const int64_t step = l.first(pair) + begin + t;
      const auto [dt, keep] = gates[t];
      const float *const u = l.u + step * channels + head * n, *const B = l.B + step * channels,
                         *const C = l.C + step * channels,
                         *const dy = l.read + step * l.units() + head * n;
      float *const dB = l.dB + (step * l.heads + head) * l.state_size, *const dC =
                                                                           l.dC +
                                                                           (step * l.heads + head) *
                                                                               l.state_size;
      float of_keep = 0, of_dt = 0;
      std::fill(of_u.begin(), of_u.end(), 0.0f);
      for (int64_t s = 0; s < l.state_size; ++s) {
        const float *const before = S.data() + t * size + s * n, *const after = before + size;
        float *const d = dS.data() + s * n, of_C = 0, of_B = 0;
        const float in = B[s], out = C[s];
#pragma GCC ivdep
        for (int64_t j = 0; j < n; ++j) {
          const float g = d[j] + out * dy[j];
          of_C += dy[j] * after[j];
          of_B += g * u[j];
          of_u[j] += in * g;
          of_keep += g * before[j];
          d[j] = keep * g;
        }
        dC[s] = of_C;
        dB[s] = dt * of_B;
        of_dt += in * of_B;
      }
      float* const du = l.du + step * channels + head * n;
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) du[j] = direct * dy[j] + dt * of_u[j];
      float& raw = l.z[(step + 1) * l.columns - l.heads + head];
      const float of_exponent = of_keep * keep;
      raw = (of_dt - of_exponent * rate) * sigmoid(raw + l.rate_bias[head]);
      l.drate[pair] -= of_exponent * dt * rate;
      l.drate_bias[pair] += raw;
      l.ddirect[pair] += dot(n, dy, u);
    }
  }
}

}  // namespace

void Mamba2Loop::forward(int64_t pair) const {
  with_width(width, [&](auto n) { forward_of(*this, pair, n); });
}
void Mamba2Loop::backward(int64_t pair) const {
  with_width(width, [&](auto n) { backward_of(*this, pair, n); });
}

void sum_over_heads(int64_t steps, int64_t heads, int64_t n, const float* parts, int64_t m,
                    float* sums) {
  for (int64_t step = 0; step < steps; ++step, sums += m) {
    std::fill_n(sums, n, 0.0f);
    for (int64_t head = 0; head < heads; ++head, parts += n)
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) sums[i] += parts[i];
  }
}

}  // namespace bench
