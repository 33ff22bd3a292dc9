// SPDX-License-Identifier: Apache-2.0
// Finds the weights that the gradient of a loss reaches, and those that it should but doesn't.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo {

/// The gradients of a loss for each of `weights`; Tensor{} for one that none reaches.
Tensors gradients_for(const Tensor& loss, const Tensors& weights);

/// The path of a weight of some layer that a gradient of the loss reaches, that is trainable and is
/// none of `weights`; "" when there is none.
std::string reached_outside(const Tensor& loss, const Tensors& weights);

/// Where the mask of the steps of y_pred [batch, time, ...] was lost: the op that gave a sequence
/// of these steps without the mask that it was given; "": y_pred has one, or there was none.
std::string mask_lost_in(const Tensor& y_pred);

}  // namespace tempo
