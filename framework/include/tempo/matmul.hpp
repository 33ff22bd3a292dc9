// SPDX-License-Identifier: Apache-2.0
// Matrix products.
#pragma once

#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// a [..., m, k] times b [..., k, n]; leading axes broadcast.
inline Tensor matmul(const Tensor& a, const Tensor& b) {
  static const sdk::Op op("matmul");
  return op(a, b);
}
/// As matmul; the last two axes of an operand may be swapped first.
inline Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  static const sdk::Op op("matmul");
  return op(a, b, {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}

}  // namespace tempo
