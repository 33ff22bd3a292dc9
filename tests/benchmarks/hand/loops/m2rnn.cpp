// SPDX-License-Identifier: Apache-2.0
// Z = tanh(S W + k v^T), S' = f S + (1 - f) Z, y = S'^T q + direct * v; S is [key, value].
#include "m2rnn.hpp"

#include "small_product.hpp"

namespace bench {

namespace {

struct Gate {
  Gate(float raw, float rate) : soft(softplus(raw)), f(std::exp(-rate * soft)) {}
  float soft, f;
};

// `to` may equal `from`; adds S'^T q to `read` if wanted. Z is left for the gradient.
BENCH_INLINE void advance(int64_t n, Gate gate, const float* W, const float* q, const float* k,
                          const float* v, const float* from, float* to, float* Z, float* read) {
  const float f = gate.f;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i)
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) Z[i * n + j] = k[i] * v[j];
  add_product<false>(n, from, W, Z);
  for (int64_t i = 0; i < n; ++i, from += n, to += n, Z += n)
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      Z[j] = std::tanh(Z[j]);
      to[j] = f * from[j] + (1 - f) * Z[j];
      if (read) read[j] += q[i] * to[j];
    }
}

BENCH_INLINE void forward_of(const M2RNNLoop& l, int64_t pair, int64_t n) {
  const int64_t head = l.head(pair), matrix = n * n, units = l.units();
  const float rate = std::exp(l.rate[head]);
  const float *const W = l.recurrent + head * matrix, *const direct = l.direct + head * n;
  Numbers S(matrix), Z(matrix), read(n);
  for (int64_t t = 0; t < l.time; ++t) {
    const int64_t step = l.first(pair) + t;
    const float* const q = l.qkv + step * 3 * units + head * n;
    const float *const k = q + units, *const v = k + units;
    if (l.kept && t % segment == 0)
      std::copy(S.begin(), S.end(), l.kept + (pair * segments_of(l.time) + t / segment) * matrix);
    const Gate gate(l.z[(step + 1) * l.columns - l.heads + head] + l.rate_bias[head], rate);
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) read[j] = direct[j] * v[j];
    advance(n, gate, W, q, k, v, S.data(), S.data(), Z.data(), read.data());
    std::copy_n(read.data(), n, l.read + step * units + head * n);
  }
}

// From dy and the later dS to q, k, v and f. Z becomes the gradient of tanh's input, and dS the
// earlier one, without the product's part. Adds to dv.
BENCH_INLINE float backward_of_step(int64_t n, float f, const float* q, const float* k,
                                    const float* v, const float* dy, const float* before,
                                    const float* after, float* Z, float* dS, float* dq, float* dk,
                                    float* dv) {
  float of_f = 0;
  for (int64_t i = 0; i < n; ++i, before += n, after += n, Z += n, dS += n) {
    const float query = q[i], key = k[i];
    float of_query = 0, of_key = 0;
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      const float d = dS[j] + query * dy[j], z = Z[j];
      of_query += dy[j] * after[j];
      of_f += d * (before[j] - z);
      const float of_sum = (1 - f) * d * (1 - z * z);
      of_key += of_sum * v[j];
      dv[j] += key * of_sum;
      Z[j] = of_sum;
      dS[j] = f * d;
    }
    dq[i] = of_query;
    dk[i] = of_key;
  }
  return of_f;
}

BENCH_INLINE void backward_of(const M2RNNLoop& l, int64_t pair, int64_t n) {
  const int64_t head = l.head(pair), matrix = n * n, units = l.units();
  const float rate = std::exp(l.rate[head]);
  const float *const W = l.recurrent + head * matrix, *const direct = l.direct + head * n;
  float *const drecurrent = l.drecurrent + pair * matrix, *const ddirect = l.ddirect + pair * n;
  Numbers S((segment + 1) * matrix), Z(segment * matrix), dS(matrix), turned(matrix), dv(n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) turned[j * n + i] = W[i * n + j];
  std::vector<Gate> gates(segment, Gate(0, 0));
  for (int64_t part = segments_of(l.time) - 1; part >= 0; --part) {
    const int64_t begin = part * segment, count = std::min(segment, l.time - begin);
    std::copy_n(l.kept + (pair * segments_of(l.time) + part) * matrix, matrix, S.data());
    for (int64_t t = 0; t < count; ++t) {
      const int64_t step = l.first(pair) + begin + t;
      const float* const q = l.qkv + step * 3 * units + head * n;
      gates[t] = Gate(l.z[(step + 1) * l.columns - l.heads + head] + l.rate_bias[head], rate);
      advance(n, gates[t], W, q, q + units, q + 2 * units, S.data() + t * matrix,
              S.data() + (t + 1) * matrix, Z.data() + t * matrix, nullptr);
    }
    for (int64_t t = count - 1; t >= 0; --t) {
      const int64_t step = l.first(pair) + begin + t;
      const float* const q = l.qkv + step * 3 * units + head * n;
      const float *const k = q + units, *const v = k + units,
                         *const dy = l.read + step * units + head * n;
      float* const dq = l.dqkv + step * 3 * units + head * n;
      const float f = gates[t].f;
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        dv[j] = direct[j] * dy[j];
        ddirect[j] += dy[j] * v[j];
      }
      const float *const before = S.data() + t * matrix, *const after = before + matrix;
      float* const of_sum = Z.data() + t * matrix;
      const float of_f = backward_of_step(n, f, q, k, v, dy, before, after, of_sum, dS.data(), dq,
                                          dq + units, dv.data());
      std::copy_n(dv.data(), n, dq + 2 * units);
      add_product<false>(n, of_sum, turned.data(), dS.data());
      add_product<true>(n, before, of_sum, drecurrent);
      float& raw = l.z[(step + 1) * l.columns - l.heads + head];
      raw = -of_f * f * rate * sigmoid(raw + l.rate_bias[head]);
      l.drate[pair] -= of_f * f * rate * gates[t].soft;
      l.drate_bias[pair] += raw;
    }
  }
}

}  // namespace

void M2RNNLoop::forward(int64_t pair) const {
  with_width(width, [&](auto n) { forward_of(*this, pair, n); });
}
void M2RNNLoop::backward(int64_t pair) const {
  with_width(width, [&](auto n) { backward_of(*this, pair, n); });
}

}  // namespace bench
