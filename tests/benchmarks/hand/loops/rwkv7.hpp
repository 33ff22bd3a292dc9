// SPDX-License-Identifier: Apache-2.0
// RWKV-7: the mixtures of two steps, and the state over the steps of one head.
#pragma once

#include "matrices.hpp"

namespace bench {

/// mixed[i] = x + (last - x) * mix[i] for the steps of one sequence, each [steps, features].
struct Mixtures {
  int64_t time, features;
  const float *x = nullptr, *mix = nullptr;  // [steps, features], [6, features]
  float* mixed[6] = {};                      ///< `backward` reads their gradients here
  float *dx = nullptr, *dmix = nullptr;      ///< [steps, features], [batch, 6, features]

  void forward(int64_t row) const;
  void backward(int64_t row) const;  ///< makes dx and adds to dmix
};

/// The loop of a head, from its projections on.
struct RWKV7Loop : Heads {
  /// [steps, units]; `backward` leaves their gradients here.
  float *r = nullptr, *k = nullptr, *v = nullptr, *w = nullptr, *a = nullptr, *gate = nullptr;
  const float *decay_bias = nullptr, *rate_bias = nullptr;  // [units], like those below
  const float *removal = nullptr, *renewal = nullptr, *bonus = nullptr, *gamma = nullptr,
              *beta = nullptr;
  float* y = nullptr;
  float* kept = nullptr;  ///< [pairs, segments, width, width], or null without a gradient
  const float* dy = nullptr;
  float *ddecay_bias = nullptr, *drate_bias = nullptr;  // [batch, units]; added to
  float *dremoval = nullptr, *drenewal = nullptr, *dbonus = nullptr, *dgamma = nullptr,
        *dbeta = nullptr;

  void forward(int64_t pair) const;
  void backward(int64_t pair) const;
};

/// x becomes tanh x or sigmoid x; dy, for y the result, becomes the gradient of x.
void tanh_of(float* x, int64_t count);
void sigmoid_of(float* x, int64_t count);
void backward_of_tanh(const float* y, float* dy, int64_t count);
void backward_of_sigmoid(const float* y, float* dy, int64_t count);

}  // namespace bench
