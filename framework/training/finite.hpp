// SPDX-License-Identifier: Apache-2.0
// Whether a tensor is finite, for checks during training.
#pragma once

#include <tempo/error.hpp>
#include <tempo/tensor.hpp>

namespace tempo {

/// A number of training is NaN or infinite: the loss, a gradient, a weight after its update.
class NotFinite : public Error {
 public:
  using Error::Error;
};

/// Whether no element is NaN or infinite; false for a placeholder of a traced step, which may be.
bool is_finite(const Tensor& x);

}  // namespace tempo
