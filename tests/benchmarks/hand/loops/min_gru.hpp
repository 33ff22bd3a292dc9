// SPDX-License-Identifier: Apache-2.0
// Loops for one cell, as one would write them by hand.
#pragma once

#include <cstdint>

namespace bench {

/// minGRU over the steps of one sequence. `gates` [time, 2 * units] are the products z and c, which
/// become sigmoid(z + bias) and c + bias; `y` [time, units] are the states after each step.
void min_gru_forward(int64_t time, int64_t units, const float* bias, float* gates, float* y,
                     float* h);

/// Its gradient: `gates` from forward become the gradients of the products; adds to `dbias`.
void min_gru_backward(int64_t time, int64_t units, const float* y, const float* dy, float* gates,
                      float* dbias, float* dh);

}  // namespace bench
