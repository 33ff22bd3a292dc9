// SPDX-License-Identifier: Apache-2.0
// The common part of Mamba-2 and M2RNN: a product and a convolution before the state, and a gated
// norm after it.
#pragma once

#include "loops/around.hpp"
#include "loops/matrices.hpp"
#include "sequence.hpp"

namespace bench {

/// A cell whose product z [steps, columns] holds the output's gate, the channels of the
/// convolution, and a number for each head.
class Convolved : public OverSequence {
 public:
  Convolved(const Job& job, int64_t channels);

 protected:
  /// Computes `read_`, the values read from the state, from `z_` and the result of the convolution;
  /// and back: from the gradient of `read_`, which takes its place, to the gradients of the last
  /// columns of `z_`, of the convolution's result, and of the weights.
  virtual void forward_of_heads() = 0;
  virtual void backward_of_heads() = 0;

  const float* convolved() const { return convolution_.y; }

  int64_t width_, pairs_, channels_, columns_;
  Array z_, read_, dconvolved_;  // [steps, columns], [steps, units], [steps, channels]

 private:
  void forward() final;
  void backward() final;

  Convolution convolution_;
  GatedNorm norm_;
  Array convolved_;  // [2, steps, channels], before silu and after
};

}  // namespace bench
