// SPDX-License-Identifier: Apache-2.0
// Least squares by conjugate gradients on the normal equations (Hestenes and Stiefel, 1952), which
// find a solution also where columns depend on each other.
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

// a / b, and 0 where there is nothing left to divide.
Tensor ratio(const Tensor& a, const Tensor& b) { return where(b > 0, a / where(b > 0, b, 1), 0); }

Tensor squares(const Tensor& x) { return sum(square(x), 0); }

}  // namespace

Tensor least_squares(const Tensor& a, const Tensor& b) {
  require_system(a, b);
  const Tensor x = stop_gradient(cast(a, float64)), y = stop_gradient(cast(b, float64));
  // Columns of equal length: what one is measured in does not matter then.
  const Tensor length = sqrt(squares(x)),
               scale = reshape(ratio(ones_like(length), length), {-1, 1});
  const Tensor gram = matmul(x, x, true, false) * scale * reshape(scale, {1, -1});  // [k, k]
  const Tensor target = matmul(x, y, true, false) * scale;                          // [k, m]
  Tensor w = zeros_like(target), left = target, direction = target;
  const Tensor enough = 1e-26 * squares(target);
  const int64_t most = 10 * a.shape()[1];
  for (int64_t i = 0; i < most && sum(squares(left) > enough).item() > 0; ++i) {
    const Tensor image = matmul(gram, direction);
    const Tensor rate = ratio(squares(left), sum(direction * image, 0));
    w = w + rate * direction;
    const Tensor next = left - rate * image;
    direction = next + ratio(squares(next), squares(left)) * direction;
    left = next;
  }
  return cast(w * scale, a.dtype());
}

}  // namespace tempo
