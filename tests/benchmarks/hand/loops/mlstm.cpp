// SPDX-License-Identifier: Apache-2.0
// C' = f C + i v k^T, n' = f n + i k, y = s(o) * C' q / max(abs(n' q), 1); C is [value, key]. Both
// are stored times e^-m, on which neither the output nor a gradient depends.
#include "mlstm.hpp"

#include "elementwise.hpp"

namespace bench {

namespace {

// C, n and m, one after another.
struct State {
  State(int64_t n, float* room) : C(room), norm(C + n * n), m(norm + n) {}
  static int64_t room(int64_t n) { return n * n + n + 1; }
  void clear(int64_t n) {
    std::fill_n(C, n * n + n, 0.0f);
    *m = -1e30f;
  }
  float *C, *norm, *m;
};

// The inputs of a step, computed from x, and what it reads from the state.
struct Step {
  Step(int64_t n, float* room)
      : q(room), k(room + n), v(room + 2 * n), o(room + 3 * n), read(room + 4 * n) {}
  static int64_t room(int64_t n) { return 5 * n; }

  BENCH_INLINE void read_input(int64_t n, const float* z, const float* bias, float of_i,
                               float of_f) {
    const float by = 1 / std::sqrt(static_cast<float>(n));
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      q[j] = z[j] + bias[j];
      k[j] = by * z[n + j] + bias[n + j];
      v[j] = z[2 * n + j] + bias[2 * n + j];
      o[j] = sigmoid(z[3 * n + j] + bias[3 * n + j]);
    }
    i = of_i;
    raw_f = of_f;
  }

  // `to` may equal `from`.
  BENCH_INLINE void advance(int64_t n, const State& from, const State& to) {
    const float f = *from.m - softplus(-raw_f), m = std::max(f, i);
    keep = std::exp(f - m);
    write = std::exp(i - m);
    *to.m = m;
    nq = 0;
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      to.norm[j] = keep * from.norm[j] + write * k[j];
      nq += to.norm[j] * q[j];
    }
    const float* before = from.C;
    float* after = to.C;
    for (int64_t r = 0; r < n; ++r, before += n, after += n) {
      const float written = write * v[r];
      float sum = 0;
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        after[j] = keep * before[j] + written * k[j];
        sum += after[j] * q[j];
      }
      read[r] = sum;
    }
    // C q / max(abs(n q), e^-m), with no power above 1.
    const float low = std::min(m, 0.0f), least = std::exp(low - m), scale = std::exp(low);
    counts = std::abs(nq) * scale > least;
    per_size = scale / std::max({std::abs(nq) * scale, least, 1e-6f});
  }

  float *q, *k, *v, *o, *read;
  float i = 0, raw_f = 0, keep = 0, write = 0, nq = 0, per_size = 0;
  bool counts = false;  // whether n q is the divisor
};

BENCH_INLINE void forward_of(const MLSTMLoop& l, int64_t pair, int64_t n) {
  const int64_t columns = l.columns(), head = l.head(pair);
  Numbers of_state(State::room(n)), room(Step::room(n));
  State state(n, of_state.data());
  state.clear(n);
  Step step(n, room.data());
  for (int64_t t = 0; t < l.time; ++t) {
    const float* const row = l.z + (l.first(pair) + t) * columns;
    const float* const gates = row + 4 * l.units();
    if (l.kept && t % segment == 0)
      std::copy(of_state.begin(), of_state.end(),
                l.kept + (pair * segments_of(l.time) + t / segment) * l.room());
    step.read_input(n, row + head * 4 * n, l.bias + head * 4 * n, gates[head] + l.gate_bias[head],
                    gates[l.heads + head] + l.gate_bias[l.heads + head]);
    step.advance(n, state, state);
    float* const y = l.y + (l.first(pair) + t) * l.units() + head * n;
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) y[j] = step.o[j] * step.read[j] * step.per_size;
  }
}

// Back through the state: from dread, dnq and the later dC and dn to q, k, v, the gates, and the
// earlier dC and dn.
struct Back {
  Back(int64_t n, float* room)
      : dq(room), dk(room + n), dv(room + 2 * n), dread(room + 3 * n), dn(room + 4 * n) {}
  static int64_t room(int64_t n) { return 5 * n; }

  BENCH_INLINE void go(int64_t n, const Step& step, const State& from, const State& to, float* dC) {
    const float keep = step.keep, write = step.write;
    float dkeep = 0, dwrite = 0;
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      dq[j] = dnq * to.norm[j];
      const float d = dn[j] + dnq * step.q[j];
      dk[j] = write * d;
      dwrite += d * step.k[j];
      dkeep += d * from.norm[j];
      dn[j] = keep * d;
    }
    const float *before = from.C, *after = to.C;
    for (int64_t r = 0; r < n; ++r, before += n, after += n, dC += n) {
      const float of_read = dread[r], written = write * step.v[r];
      float along_key = 0;
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        const float d = dC[j] + of_read * step.q[j];
        dq[j] += of_read * after[j];
        dk[j] += written * d;
        along_key += d * step.k[j];
        dkeep += d * before[j];
        dC[j] = keep * d;
      }
      dv[r] = write * along_key;
      dwrite += step.v[r] * along_key;
    }
    df = dkeep * keep * sigmoid(-step.raw_f);
    di = dwrite * write;
  }

  float *dq, *dk, *dv, *dread, *dn;
  float dnq = 0, di = 0, df = 0;
};

// The gradient of y = s(o) * read * per_size.
BENCH_INLINE void backward_of_output(int64_t n, const Step& step, const float* dy, float* dz_o,
                                     Back& back) {
  float of_size = 0;
#pragma GCC ivdep
  for (int64_t j = 0; j < n; ++j) {
    const float d = dy[j] * step.per_size, h = step.o[j] * step.read[j];
    back.dread[j] = d * step.o[j];
    dz_o[j] = d * h * (1 - step.o[j]);
    of_size -= d * h;
  }
  // of_size is the gradient of the divisor times the divisor.
  back.dnq = step.counts ? of_size / step.nq : 0.0f;
}

BENCH_INLINE void backward_of(const MLSTMLoop& l, int64_t pair, int64_t n) {
  const int64_t columns = l.columns(), head = l.head(pair);
  const float by = 1 / std::sqrt(static_cast<float>(n));
  Numbers of_states((segment + 1) * State::room(n)), room(segment * Step::room(n)), dC(n * n),
      of_back(Back::room(n));
  std::vector<State> states;
  std::vector<Step> steps;
  for (int64_t i = 0; i <= segment; ++i)
    states.emplace_back(n, of_states.data() + i * State::room(n));
  for (int64_t i = 0; i < segment; ++i) steps.emplace_back(n, room.data() + i * Step::room(n));
  Back back(n, of_back.data());
  float* const dbias = l.dbias + pair * 4 * n;
  for (int64_t part = segments_of(l.time) - 1; part >= 0; --part) {
    const int64_t begin = part * segment, count = std::min(segment, l.time - begin);
    std::copy_n(l.kept + (pair * segments_of(l.time) + part) * l.room(), l.room(),
                of_states.data());
    float* const rows = l.z + (l.first(pair) + begin) * columns;
    for (int64_t t = 0; t < count; ++t) {
      const float *const row = rows + t * columns, *const gates = row + 4 * l.units();
      steps[t].read_input(n, row + head * 4 * n, l.bias + head * 4 * n,
                          gates[head] + l.gate_bias[head],
                          gates[l.heads + head] + l.gate_bias[l.heads + head]);
      steps[t].advance(n, states[t], states[t + 1]);
    }
    for (int64_t t = count - 1; t >= 0; --t) {
      float *const z = rows + t * columns + head * 4 * n, *const gates =
                                                              rows + t * columns + 4 * l.units();
      backward_of_output(n, steps[t], l.dy + (l.first(pair) + begin + t) * l.units() + head * n,
                         z + 3 * n, back);
      back.go(n, steps[t], states[t], states[t + 1], dC.data());
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) {
        z[j] = back.dq[j];
        z[n + j] = by * back.dk[j];
        z[2 * n + j] = back.dv[j];
        dbias[j] += back.dq[j];
        dbias[n + j] += back.dk[j];
        dbias[2 * n + j] += back.dv[j];
        dbias[3 * n + j] += z[3 * n + j];
      }
      gates[head] = back.di;
      gates[l.heads + head] = back.df;
      l.dgate_bias[2 * pair] += back.di;
      l.dgate_bias[2 * pair + 1] += back.df;
    }
  }
}

}  // namespace

void MLSTMLoop::forward(int64_t pair) const {
  with_width(width, [&](auto n) { forward_of(*this, pair, n); });
}
void MLSTMLoop::backward(int64_t pair) const {
  with_width(width, [&](auto n) { backward_of(*this, pair, n); });
}

}  // namespace bench
