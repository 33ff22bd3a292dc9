// SPDX-License-Identifier: Apache-2.0
// Checks during training that a tensor is finite.
#pragma once

#include <tempo/error.hpp>
#include <tempo/tensor.hpp>

namespace tempo {

/// Thrown if a number of training is NaN or infinite: the loss, a gradient, or an updated weight.
class NotFinite : public Error {
 public:
  using Error::Error;
};

/// Whether no element is NaN or infinite; false for a placeholder, whose values are unknown.
bool is_finite(const Tensor& x);

}  // namespace tempo
