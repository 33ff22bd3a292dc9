// SPDX-License-Identifier: Apache-2.0
// S' = a S + b (v - a S k) k^T, y = norm(S' q / sqrt(width)) * silu(gate); S is [value, key].
#include "gated_delta_net.hpp"

#include "elementwise.hpp"

namespace bench {

namespace {

// The inputs of a step, computed from x, and what it reads from the state.
struct Step {
  Step(int64_t n, float* room)
      : query(room), key(room + n), value(room + 2 * n), change(room + 3 * n), read(room + 4 * n) {}
  static int64_t room(int64_t n) { return 5 * n; }

  BENCH_INLINE void read_input(int64_t n, const float* z, float raw_a, float raw_b, float rate) {
    float of_query = 1e-6f, of_key = 1e-6f;
    for (int64_t j = 0; j < n; ++j) {
      query[j] = silu(z[j]);
      key[j] = silu(z[n + j]);
      value[j] = silu(z[2 * n + j]);
      of_query += query[j] * query[j];
      of_key += key[j] * key[j];
    }
    per_query = 1 / std::sqrt(of_query);
    per_key = 1 / std::sqrt(of_key);
    for (int64_t j = 0; j < n; ++j) {
      query[j] *= per_query;
      key[j] *= per_key;
    }
    soft = softplus(raw_a);
    a = std::exp(-rate * soft);
    b = sigmoid(raw_b);
  }

  // `to` may equal `from`.
  BENCH_INLINE void advance(int64_t n, const float* from, float* to) const {
    const float by = 1 / std::sqrt(static_cast<float>(n));
    for (int64_t i = 0; i < n; ++i, from += n, to += n) {
      const float c = b * (value[i] - a * dot(n, from, key));
      float sum = 0;
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        to[j] = a * from[j] + c * key[j];
        sum += to[j] * query[j];
      }
      change[i] = c;
      read[i] = by * sum;
    }
  }

  BENCH_INLINE float norm(int64_t n) const {
    return 1 / std::sqrt(dot(n, read, read) / static_cast<float>(n) + 1e-5f);
  }

  float *query, *key, *value, *change, *read;
  float per_query = 0, per_key = 0, soft = 0, a = 0, b = 0;
};

BENCH_INLINE void forward_of(const GatedDeltaNetLoop& l, int64_t pair, int64_t n) {
  const int64_t columns = l.columns(), head = l.head(pair);
  const float rate = std::exp(l.rate[head]);
  Numbers S(n * n), room(Step::room(n));
  Step step(n, room.data());
  for (int64_t t = 0; t < l.time; ++t) {
    const float* const row = l.z + (l.first(pair) + t) * columns;
    const float* const z = row + head * 4 * n;
    const float* const gates = row + 4 * l.units();
    if (l.kept && t % segment == 0)
      std::copy(S.begin(), S.end(), l.kept + (pair * segments_of(l.time) + t / segment) * n * n);
    step.read_input(n, z, gates[head] + l.rate_bias[head], gates[l.heads + head], rate);
    step.advance(n, S.data(), S.data());
    const float norm = step.norm(n);
    float* const y = l.y + (l.first(pair) + t) * l.units() + head * n;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = step.read[i] * norm * l.scale[i] * silu(z[3 * n + i]);
  }
}

// From dy to the gradients of the value read, of the gate and of the scale.
BENCH_INLINE void backward_of_output(int64_t n, const Step& step, const float* dy,
                                     const float* scale, float* gate, float* dscale, float* dread) {
  const float norm = step.norm(n), by = 1 / std::sqrt(static_cast<float>(n));
  float mean = 0;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float normed = step.read[i] * norm, of_normed = dy[i] * silu(gate[i]);
    dscale[i] += of_normed * normed;
    dread[i] = of_normed * scale[i];
    mean += dread[i] * normed;
    gate[i] = dy[i] * normed * scale[i] * silu_slope(gate[i]);
  }
  mean /= static_cast<float>(n);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) dread[i] = by * norm * (dread[i] - step.read[i] * norm * mean);
}

// Back through the state: from dread and the later dS to q, k, v, the gates, and the earlier dS.
struct Back {
  Back(int64_t n, float* room)
      : dquery(room), dkey(room + n), dvalue(room + 2 * n), dread(room + 3 * n) {}
  static int64_t room(int64_t n) { return 4 * n; }

  BENCH_INLINE void go(int64_t n, const Step& step, const float* before, const float* after,
                       float* dS) {
    std::fill_n(dquery, 2 * n, 0.0f);
    const float a = step.a, b = step.b;
    float of_a = 0, of_b = 0;
    for (int64_t i = 0; i < n; ++i, before += n, after += n, dS += n) {
      const float c = step.change[i], r = dread[i];
      float dc = 0;
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        dS[j] += r * step.query[j];
        dquery[j] += r * after[j];
        dkey[j] += c * dS[j];
        dc += dS[j] * step.key[j];
      }
      const float dheld = -b * dc;
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        const float of_faded = dS[j] + dheld * step.key[j];
        dkey[j] += dheld * a * before[j];
        of_a += of_faded * before[j];
        dS[j] = a * of_faded;
      }
      dvalue[i] = b * dc;
      of_b += dc * c;
    }
    da = of_a;
    draw_b = of_b * (1 - b);
  }

  float *dquery, *dkey, *dvalue, *dread;
  float da = 0, draw_b = 0;
};

BENCH_INLINE void backward_of(const GatedDeltaNetLoop& l, int64_t pair, int64_t n) {
  const int64_t columns = l.columns(), head = l.head(pair), matrix = n * n;
  const float rate = std::exp(l.rate[head]);
  Numbers S((segment + 1) * matrix), dS(matrix), room(segment * Step::room(n)),
      of_back(Back::room(n));
  std::vector<Step> steps;
  for (int64_t i = 0; i < segment; ++i) steps.emplace_back(n, room.data() + i * Step::room(n));
  Back back(n, of_back.data());
  for (int64_t part = segments_of(l.time) - 1; part >= 0; --part) {
    const int64_t begin = part * segment, count = std::min(segment, l.time - begin);
    std::copy_n(l.kept + (pair * segments_of(l.time) + part) * matrix, matrix, S.data());
    float* const rows = l.z + (l.first(pair) + begin) * columns;
    for (int64_t t = 0; t < count; ++t) {
      const float* const gates = rows + t * columns + 4 * l.units();
      steps[t].read_input(n, rows + t * columns + head * 4 * n, gates[head] + l.rate_bias[head],
                          gates[l.heads + head], rate);
      steps[t].advance(n, S.data() + t * matrix, S.data() + (t + 1) * matrix);
    }
    for (int64_t t = count - 1; t >= 0; --t) {
      const Step& step = steps[t];
      float* const z = rows + t * columns + head * 4 * n;
      float* const gates = rows + t * columns + 4 * l.units();
      backward_of_output(n, step, l.dy + (l.first(pair) + begin + t) * l.units() + head * n,
                         l.scale, z + 3 * n, l.dscale + pair * n, back.dread);
      back.go(n, step, S.data() + t * matrix, S.data() + (t + 1) * matrix, dS.data());
      const float along_query = dot(n, back.dquery, step.query);
      const float along_key = dot(n, back.dkey, step.key);
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        const float dq = step.per_query * (back.dquery[j] - along_query * step.query[j]);
        const float dk = step.per_key * (back.dkey[j] - along_key * step.key[j]);
        z[j] = dq * silu_slope(z[j]);
        z[n + j] = dk * silu_slope(z[n + j]);
        z[2 * n + j] = back.dvalue[j] * silu_slope(z[2 * n + j]);
      }
      const float of_exponent = back.da * step.a;
      const float draw_a = -of_exponent * rate * sigmoid(gates[head] + l.rate_bias[head]);
      l.drate[pair] -= of_exponent * rate * step.soft;
      l.drate_bias[pair] += draw_a;
      gates[head] = draw_a;
      gates[l.heads + head] = back.draw_b;
    }
  }
}

}  // namespace

void GatedDeltaNetLoop::forward(int64_t pair) const {
  with_width(width, [&](auto n) { forward_of(*this, pair, n); });
}
void GatedDeltaNetLoop::backward(int64_t pair) const {
  with_width(width, [&](auto n) { backward_of(*this, pair, n); });
}

}  // namespace bench
