// SPDX-License-Identifier: Apache-2.0
// In which dtype the results of whole numbers are that need not be whole.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo {

inline DType floating_of(const Tensor& x) {
  return is_floating(x.dtype()) ? x.dtype() : default_dtype();
}

}  // namespace tempo
