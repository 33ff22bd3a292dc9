// SPDX-License-Identifier: Apache-2.0
// Finds the weights that the gradient of a loss reaches, and those that it should but doesn't.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo {

/// The gradients of a loss for each of `weights`; Tensor{} for a weight that it does not reach.
Tensors gradients_for(const Tensor& loss, const Tensors& weights);

/// The path of a trainable weight of some layer that the loss reaches but `weights` does not
/// contain; "" if there is none.
std::string reached_outside(const Tensor& loss, const Tensors& weights);

/// The op at which the mask of y_pred [batch, time, ...] was lost: its input has the mask of the
/// steps, its result has none. "" if y_pred has a mask, or if there never was one.
std::string mask_lost_in(const Tensor& y_pred);

}  // namespace tempo
