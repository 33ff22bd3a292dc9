// SPDX-License-Identifier: Apache-2.0
// The dtype of results that may be fractions though the inputs are whole numbers.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo {

inline DType floating_of(const Tensor& x) {
  return is_floating(x.dtype()) ? x.dtype() : default_dtype();
}

}  // namespace tempo
