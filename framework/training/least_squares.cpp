// SPDX-License-Identifier: Apache-2.0
// The linear model, by LAPACK.
#include <tempo/least_squares.hpp>
#include <tempo/ops.hpp>

#include "training/finite.hpp"

namespace tempo {

namespace {

void require_system(const Tensor& a, const Tensor& b) {
  if (!a || !b) throw Error("least_squares: a or b was never given a value (it is Tensor{}).");
  if (a.rank() != 2 || b.rank() != 2 || a.shape()[0] != b.shape()[0] || a.count() == 0)
    throw ShapeError("least_squares: a must be [n, k] and b [n, m], got\n  a  " +
                     to_string(a.shape(), a.dtype()) + "\n  b  " + to_string(b.shape(), b.dtype()));
  if (!is_finite(a) || !is_finite(b))
    throw Error("least_squares: a or b holds NaN or infinite numbers.");
}

}  // namespace

Tensor least_squares(const Tensor& a, const Tensor& b) {
  require_system(a, b);
  static const sdk::Op op("least_squares");
  const Tensor x = stop_gradient(cast(a, float64)), y = stop_gradient(cast(b, float64));
  // Columns of equal length: what one is measured in does not matter then.
  const Tensor length = sqrt(sum(square(x), 0)),
               scale = 1 / reshape(where(length > 0, length, 1), {-1, 1});
  return cast(op(x * reshape(scale, {1, -1}), y) * scale, a.dtype());
}

}  // namespace tempo
