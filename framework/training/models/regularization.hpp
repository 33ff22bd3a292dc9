// SPDX-License-Identifier: Apache-2.0
// The penalties of a model's weights.
#pragma once

#include <tempo/regularization.hpp>

namespace tempo {

/// The weights that have a regularizer.
Tensors penalized_of(const Tensors& weights);
/// The sum that regularization_loss gives; Tensor{} if no weight has a regularizer.
Tensor penalty_of(const Tensors& weights);

}  // namespace tempo
