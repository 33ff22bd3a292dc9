// SPDX-License-Identifier: Apache-2.0
// The linear model, solved by LAPACK.
#include <tempo/least_squares.hpp>
#include <tempo/ops.hpp>

#include "training/finite.hpp"
#include "training/losses/floating.hpp"

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

// The scale of each column: its length, found without squares that could be infinite.
Tensor scale_of_columns(const Tensor& x) {
  const Tensor largest = max(abs(x), 0), divisor = where(largest > 0, largest, 1),
               length = sqrt(sum(square(x / divisor), 0));
  return divisor * where(length > 0, length, 1);
}

}  // namespace

Tensor least_squares(const Tensor& a, const Tensor& b) {
  require_system(a, b);
  static const sdk::Op op("least_squares");
  const Tensor x = stop_gradient(cast(a, float64)), y = stop_gradient(cast(b, float64));
  // Columns get equal length, so that the unit in which a column is measured does not matter.
  const Tensor scale = scale_of_columns(x);
  const Tensor w = cast(op(x / scale, y) / reshape(scale, {-1, 1}), floating_of(a));
  if (!is_finite(w))
    throw Error("least_squares: w is not finite in " + std::string(name_of(w.dtype())) +
                ".\n  Scale a and b first: a StandardScaler does.");
  return w;
}

}  // namespace tempo
