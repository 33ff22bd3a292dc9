// SPDX-License-Identifier: Apache-2.0
// Penalties of a model's weights.
#pragma once

#include <tempo/regularization.hpp>

namespace tempo {

/// Those of the weights that have a regularizer.
Tensors penalized_of(const Tensors& weights);
/// The sum that regularization_loss gives; Tensor{} where no weight has a regularizer.
Tensor penalty_of(const Tensors& weights);

}  // namespace tempo
