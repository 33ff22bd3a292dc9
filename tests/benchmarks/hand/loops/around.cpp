// SPDX-License-Identifier: Apache-2.0
// Loops over the channels or units of a step.
#include "around.hpp"

#include "elementwise.hpp"

namespace bench {

void Convolution::forward(int64_t row) const {
  const int64_t first = row * time;
  for (int64_t t = first; t < first + time; ++t) {
    float *const to = sum + t * channels, *const out = y + t * channels;
    std::copy_n(bias, channels, to);
    for (int64_t back = std::min(width - 1, t - first); back >= 0; --back) {
      const float *const from = z + (t - back) * columns + begin, *const by =
                                                                      kernel +
                                                                      (width - 1 - back) * channels;
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) to[c] += from[c] * by[c];
    }
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) out[c] = silu(to[c]);
  }
}

void Convolution::backward(int64_t row) const {
  const int64_t first = row * time;
  float *const of_kernel = dkernel + row * width * channels, *const of_bias =
                                                                 dbias + row * channels;
  for (int64_t t = first; t < first + time; ++t) {
    float* const d = y + t * channels;
    const float* const before = sum + t * channels;
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) {
      d[c] *= silu_slope(before[c]);
      of_bias[c] += d[c];
    }
    for (int64_t back = std::min(width - 1, t - first); back >= 0; --back) {
      const float* const from = z + (t - back) * columns + begin;
      float* const to = of_kernel + (width - 1 - back) * channels;
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) to[c] += from[c] * d[c];
    }
  }
  for (int64_t t = first; t < first + time; ++t) {
    float* const to = z + t * columns + begin;
    std::fill_n(to, channels, 0.0f);
    for (int64_t ahead = std::min(width - 1, first + time - 1 - t); ahead >= 0; --ahead) {
      const float *const d = y + (t + ahead) * channels, *const by = kernel +
                                                                     (width - 1 - ahead) * channels;
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) to[c] += d[c] * by[c];
    }
  }
}

namespace {

inline float norm_of(int64_t units, const float* read, const float* gate, float* gated) {
  float sum = 0;
#pragma GCC ivdep
  for (int64_t i = 0; i < units; ++i) {
    gated[i] = read[i] * silu(gate[i]);
    sum += gated[i] * gated[i];
  }
  return 1 / std::sqrt(sum / static_cast<float>(units) + 1e-5f);
}

}  // namespace

void GatedNorm::forward(int64_t row) const {
  for (int64_t t = row * time; t < (row + 1) * time; ++t) {
    float* const out = y + t * units;
    const float norm = norm_of(units, read + t * units, z + t * columns, out);
#pragma GCC ivdep
    for (int64_t i = 0; i < units; ++i) out[i] *= norm * scale[i];
  }
}

void GatedNorm::backward(int64_t row) const {
  Numbers gated(units), d(units);
  float* const of_scale = dscale + row * units;
  for (int64_t t = row * time; t < (row + 1) * time; ++t) {
    float *const was_read = read + t * units, *const gate = z + t * columns;
    const float* const of_y = dy + t * units;
    const float norm = norm_of(units, was_read, gate, gated.data());
    float mean = 0;
    for (int64_t i = 0; i < units; ++i) {
      gated[i] *= norm;
      of_scale[i] += of_y[i] * gated[i];
      d[i] = of_y[i] * scale[i];
      mean += d[i] * gated[i];
    }
    mean /= static_cast<float>(units);
#pragma GCC ivdep
    for (int64_t i = 0; i < units; ++i) {
      const float of_gated = norm * (d[i] - gated[i] * mean), open = silu(gate[i]);
      gate[i] = of_gated * was_read[i] * silu_slope(gate[i]);
      was_read[i] = of_gated * open;
    }
  }
}

}  // namespace bench
