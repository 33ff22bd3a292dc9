// SPDX-License-Identifier: Apache-2.0
// What the gradient of a loss reaches, and what it should but doesn't.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo {

/// The gradients of a loss for each of `weights`; Tensor{} for one that none reaches.
Tensors gradients_for(const Tensor& loss, const Tensors& weights);

/// The path of a weight of some layer that a gradient of the loss reaches, that is trainable and is
/// none of `weights`; "" when there is none.
std::string reached_outside(const Tensor& loss, const Tensors& weights);

}  // namespace tempo
