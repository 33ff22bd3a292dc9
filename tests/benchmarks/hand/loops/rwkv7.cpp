// SPDX-License-Identifier: Apache-2.0
// S' = S (diag(w) - k1^T (a * k1)) + v^T k2, y = gate * (norm(S' r) + sum(r * bonus * k2) v); S is
// [value, key].
#include "rwkv7.hpp"

#include "elementwise.hpp"

namespace bench {

namespace {

// The weights of a head.
struct Constants {
  Constants(const RWKV7Loop& l, int64_t first)
      : decay_bias(l.decay_bias + first),
        rate_bias(l.rate_bias + first),
        removal(l.removal + first),
        renewal(l.renewal + first),
        bonus(l.bonus + first),
        gamma(l.gamma + first),
        beta(l.beta + first) {}
  const float *decay_bias, *rate_bias, *removal, *renewal, *bonus, *gamma, *beta;
};

constexpr float least_decay = -0.60653066f;  // of the decay's logarithm: -e^-0.5

// The inputs of a step, computed from x, and what it reads from the state.
struct Step {
  Step(int64_t n, float* room)
      : openness(room),
        decay(room + n),
        rate(room + 2 * n),
        removed(room + 3 * n),
        written(room + 4 * n),
        rated(room + 5 * n),
        held(room + 6 * n),
        read(room + 7 * n) {}
  static int64_t room(int64_t n) { return 8 * n; }

  // k, w and a begin at the step's head.
  BENCH_INLINE void read_input(int64_t n, const float* k, const float* w, const float* a,
                               const Constants& c) {
    float size = 1e-6f;
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      openness[j] = sigmoid(c.decay_bias[j] + w[j]);
      decay[j] = std::exp(least_decay * openness[j]);
      rate[j] = sigmoid(c.rate_bias[j] + a[j]);
      removed[j] = k[j] * c.removal[j];
      written[j] = k[j] * (1 + (rate[j] - 1) * c.renewal[j]);
      size += removed[j] * removed[j];
    }
    per_size = 1 / std::sqrt(size);
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      removed[j] *= per_size;
      rated[j] = rate[j] * removed[j];
    }
  }

  // `to` may equal `from`.
  BENCH_INLINE void advance(int64_t n, const float* from, float* to, const float* r,
                            const float* v) const {
    for (int64_t i = 0; i < n; ++i, from += n, to += n) {
      const float of_key = dot(n, from, removed), value = v[i];
      float sum = 0;
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        to[j] = from[j] * decay[j] - of_key * rated[j] + value * written[j];
        sum += to[j] * r[j];
      }
      held[i] = of_key;
      read[i] = sum;
    }
  }

  // Centres the values read, and scales them, in place; returns the factor.
  BENCH_INLINE float normalise(int64_t n) const {
    float mean = 0, square = 0;
    for (int64_t i = 0; i < n; ++i) mean += read[i];
    mean /= static_cast<float>(n);
    for (int64_t i = 0; i < n; ++i) {
      read[i] -= mean;
      square += read[i] * read[i];
    }
    const float norm =
        1 / std::sqrt(square / static_cast<float>(n) + 1e-5f * static_cast<float>(n));
    for (int64_t i = 0; i < n; ++i) read[i] *= norm;
    return norm;
  }

  BENCH_INLINE float share(int64_t n, const float* r, const float* bonus) const {
    float sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += r[j] * bonus[j] * written[j];
    return sum;
  }

  float *openness, *decay, *rate, *removed, *written, *rated, *held, *read;
  float per_size = 0;
};

BENCH_INLINE void forward_of(const RWKV7Loop& l, int64_t pair, int64_t n) {
  const int64_t first = l.head(pair) * n;
  const Constants c(l, first);
  Numbers S(n * n), room(Step::room(n));
  Step step(n, room.data());
  for (int64_t t = 0; t < l.time; ++t) {
    const int64_t at = (l.first(pair) + t) * l.units() + first;
    if (l.kept && t % segment == 0)
      std::copy(S.begin(), S.end(), l.kept + (pair * segments_of(l.time) + t / segment) * n * n);
    step.read_input(n, l.k + at, l.w + at, l.a + at, c);
    step.advance(n, S.data(), S.data(), l.r + at, l.v + at);
    step.normalise(n);
    const float share = step.share(n, l.r + at, c.bonus);
    float* const y = l.y + at;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i)
      y[i] = l.gate[at + i] * (step.read[i] * c.gamma[i] + c.beta[i] + share * l.v[at + i]);
  }
}

// Gradients of a step's vectors, and the way back through a step.
struct Back {
  Back(int64_t n, float* room)
      : dr(room),
        dwritten(room + n),
        drated(room + 2 * n),
        ddecay(room + 3 * n),
        dremoved(room + 4 * n),
        dv(room + 5 * n),
        dread(room + 6 * n) {}
  static int64_t room(int64_t n) { return 7 * n; }

  // From dread and the later dS to the vectors and the earlier dS; adds to dr, dwritten, dv.
  BENCH_INLINE void go(int64_t n, const Step& step, const float* before, const float* after,
                       const float* r, const float* v, float* dS) const {
    std::fill_n(drated, 3 * n, 0.0f);
    for (int64_t i = 0; i < n; ++i, before += n, after += n, dS += n) {
      const float of_read = dread[i], value = v[i], held = step.held[i];
      float of_value = 0, of_held = 0;
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        const float d = dS[j] + of_read * r[j];
        dr[j] += of_read * after[j];
        dwritten[j] += value * d;
        drated[j] -= held * d;
        ddecay[j] += d * before[j];
        of_value += d * step.written[j];
        of_held -= d * step.rated[j];
        dS[j] = d;
      }
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        dremoved[j] += of_held * before[j];
        dS[j] = dS[j] * step.decay[j] + of_held * step.removed[j];
      }
      dv[i] += of_value;
    }
  }

  float *dr, *dwritten, *drated, *ddecay, *dremoved, *dv, *dread;
};

// The gradient of the output; `norm` is that of normalise. Sets dr, dwritten and dv.
BENCH_INLINE void backward_of_output(const RWKV7Loop& l, int64_t n, const Step& step, float norm,
                                     const Constants& c, int64_t at, float* dweights, int64_t apart,
                                     const Back& back) {
  const float *const r = l.r + at, *const v = l.v + at, *const dy = l.dy + at;
  float* const gate = l.gate + at;
  float *const dbonus = dweights, *const dgamma = dweights + apart,
               *const dbeta = dweights + 2 * apart;
  const float share = step.share(n, r, c.bonus);
  float mean = 0, along = 0, of_share = 0;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float d = dy[i] * gate[i], normed = step.read[i];
    gate[i] = dy[i] * (normed * c.gamma[i] + c.beta[i] + share * v[i]);
    of_share += d * v[i];
    back.dv[i] = share * d;
    dgamma[i] += d * normed;
    dbeta[i] += d;
    back.dread[i] = d * c.gamma[i];
    mean += back.dread[i];
    along += back.dread[i] * normed;
  }
  mean /= static_cast<float>(n);
  along /= static_cast<float>(n);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    back.dread[i] = norm * (back.dread[i] - mean - step.read[i] * along);
    back.dr[i] = of_share * c.bonus[i] * step.written[i];
    back.dwritten[i] = of_share * c.bonus[i] * r[i];
    dbonus[i] += of_share * r[i] * step.written[i];
  }
}

// From a step's vectors to the projections and the weights.
BENCH_INLINE void backward_of_input(const RWKV7Loop& l, int64_t n, const Step& step,
                                    const Constants& c, int64_t at, int64_t sums,
                                    const Back& back) {
  float *const r = l.r + at, *const k = l.k + at, *const v = l.v + at, *const w = l.w + at,
               *const a = l.a + at;
  float along = 0;
#pragma GCC ivdep
  for (int64_t j = 0; j < n; ++j) {
    back.dremoved[j] += back.drated[j] * step.rate[j];
    along += back.dremoved[j] * step.removed[j];
  }
  float *const ddecay_bias = l.ddecay_bias + sums, *const drate_bias = l.drate_bias + sums;
  float *const dremoval = l.dremoval + sums, *const drenewal = l.drenewal + sums;
#pragma GCC ivdep
  for (int64_t j = 0; j < n; ++j) {
    const float raw = step.per_size * (back.dremoved[j] - along * step.removed[j]);
    const float rate = step.rate[j], open = step.openness[j], of_written = back.dwritten[j];
    const float of_rate = back.drated[j] * step.removed[j] + of_written * k[j] * c.renewal[j];
    drenewal[j] += of_written * k[j] * (rate - 1);
    dremoval[j] += raw * k[j];
    k[j] = raw * c.removal[j] + of_written * (1 + (rate - 1) * c.renewal[j]);
    a[j] = of_rate * rate * (1 - rate);
    w[j] = back.ddecay[j] * step.decay[j] * least_decay * open * (1 - open);
    drate_bias[j] += a[j];
    ddecay_bias[j] += w[j];
    r[j] = back.dr[j];
    v[j] = back.dv[j];
  }
}

BENCH_INLINE void backward_of(const RWKV7Loop& l, int64_t pair, int64_t n) {
  const int64_t first = l.head(pair) * n, matrix = n * n;
  const int64_t sums = pair * n;  // [batch, units], and pairs are (batch, head)
  const Constants c(l, first);
  Numbers S((segment + 1) * matrix), dS(matrix), room(segment * Step::room(n)),
      of_back(Back::room(n)), dweights(3 * n);
  std::vector<Step> steps;
  for (int64_t i = 0; i < segment; ++i) steps.emplace_back(n, room.data() + i * Step::room(n));
  const Back back(n, of_back.data());
  for (int64_t part = segments_of(l.time) - 1; part >= 0; --part) {
    const int64_t begin = part * segment, count = std::min(segment, l.time - begin);
    std::copy_n(l.kept + (pair * segments_of(l.time) + part) * matrix, matrix, S.data());
    const auto place = [&](int64_t t) { return (l.first(pair) + begin + t) * l.units() + first; };
    for (int64_t t = 0; t < count; ++t) {
      const int64_t at = place(t);
      steps[t].read_input(n, l.k + at, l.w + at, l.a + at, c);
      steps[t].advance(n, S.data() + t * matrix, S.data() + (t + 1) * matrix, l.r + at, l.v + at);
    }
    for (int64_t t = count - 1; t >= 0; --t) {
      const int64_t at = place(t);
      const float norm = steps[t].normalise(n);
      backward_of_output(l, n, steps[t], norm, c, at, dweights.data(), n, back);
      back.go(n, steps[t], S.data() + t * matrix, S.data() + (t + 1) * matrix, l.r + at, l.v + at,
              dS.data());
      backward_of_input(l, n, steps[t], c, at, sums, back);
    }
  }
  std::copy_n(dweights.data(), n, l.dbonus + sums);
  std::copy_n(dweights.data() + n, n, l.dgamma + sums);
  std::copy_n(dweights.data() + 2 * n, n, l.dbeta + sums);
}

}  // namespace

void RWKV7Loop::forward(int64_t pair) const {
  with_width(width, [&](auto n) { forward_of(*this, pair, n); });
}
void RWKV7Loop::backward(int64_t pair) const {
  with_width(width, [&](auto n) { backward_of(*this, pair, n); });
}

void Mixtures::forward(int64_t row) const {
  const Numbers none(features);
  for (int64_t t = row * time; t < (row + 1) * time; ++t) {
    const float* const now = x + t * features;
    const float* const last = t == row * time ? none.data() : now - features;
    for (int64_t i = 0; i < 6; ++i) {
      const float* const by = mix + i * features;
      float* const to = mixed[i] + t * features;
#pragma GCC ivdep
      for (int64_t j = 0; j < features; ++j) to[j] = now[j] + (last[j] - now[j]) * by[j];
    }
  }
}

void Mixtures::backward(int64_t row) const {
  const Numbers none(features);
  std::fill_n(dx + row * time * features, time * features, 0.0f);
  float* const of_row = dmix + row * 6 * features;
  for (int64_t t = row * time; t < (row + 1) * time; ++t) {
    const bool begins = t == row * time;
    const float* const now = x + t * features;
    const float* const last = begins ? none.data() : now - features;
    float *const of_now = dx + t * features, *const of_last = of_now - features;
    for (int64_t i = 0; i < 6; ++i) {
      const float *const d = mixed[i] + t * features, *const by = mix + i * features;
      float* const of_mix = of_row + i * features;
#pragma GCC ivdep
      for (int64_t j = 0; j < features; ++j) {
        of_now[j] += d[j] * (1 - by[j]);
        of_mix[j] += d[j] * (last[j] - now[j]);
      }
      if (begins) continue;
#pragma GCC ivdep
      for (int64_t j = 0; j < features; ++j) of_last[j] += d[j] * by[j];
    }
  }
}

void tanh_of(float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = std::tanh(x[i]);
}
void sigmoid_of(float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = sigmoid(x[i]);
}
void backward_of_tanh(const float* y, float* dy, int64_t count) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) dy[i] *= 1 - y[i] * y[i];
}
void backward_of_sigmoid(const float* y, float* dy, int64_t count) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) dy[i] *= y[i] * (1 - y[i]);
}

}  // namespace bench
