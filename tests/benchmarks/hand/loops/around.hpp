// SPDX-License-Identifier: Apache-2.0
// The parts around the state of Mamba-2 and M2RNN: a causal convolution and a gated norm.
#pragma once

#include <cstdint>

namespace bench {

/// silu(causal convolution) of some columns of z, each by itself, over the steps of one sequence.
struct Convolution {
  int64_t time, channels, width;  ///< width: the number of steps it reads
  int64_t columns, begin;         ///< of z; the first column of its channels
  float* z = nullptr;             ///< [steps, columns]; `backward` leaves the gradients here
  const float *kernel = nullptr, *bias = nullptr;  // [width, channels], [channels]
  float* sum = nullptr;                            ///< [steps, channels], before silu
  float* y = nullptr;                              ///< [steps, channels]; `backward` reads dy here
  float *dkernel = nullptr, *dbias = nullptr;      ///< [batch, ...]; added to

  void forward(int64_t row) const;
  void backward(int64_t row) const;
};

/// norm(read * silu(gate)) * scale over all units, for the steps of one sequence.
struct GatedNorm {
  int64_t time, units, columns;
  float* z = nullptr;            ///< [steps, columns], begins with the gate; then its gradient
  float* read = nullptr;         ///< [steps, units]; then its gradient
  const float* scale = nullptr;  // [units]
  float* y = nullptr;            ///< [steps, units]
  const float* dy = nullptr;
  float* dscale = nullptr;  ///< [batch, units]; added to

  void forward(int64_t row) const;
  void backward(int64_t row) const;
};

}  // namespace bench
