// SPDX-License-Identifier: Apache-2.0
// Kernels that run along one axis: argmax and cumsum. The array is treated as [outer, n, inner].
#include <algorithm>

#include "tensor/kernels/fold.hpp"
#include "tensor/kernels/pointwise.hpp"
#include "tensor/kernels/reduce.hpp"
#include "tensor/parallel.hpp"

namespace tempo {
namespace {

struct Line {
  int64_t outer = 1, n = 1, inner = 1;

  Line(const Shape& shape, int64_t axis) {
    const int at = static_cast<int>(axis < 0 ? axis + shape.rank() : axis);
    for (int i = 0; i < at; ++i) outer *= shape[i];
    n = shape[at];
    for (int i = at + 1; i < shape.rank(); ++i) inner *= shape[i];
  }

  /// Calls body(offset of the line's first element, index of the line) for all lines.
  void for_each(FunctionRef<void(int64_t, int64_t)> body) const {
    parallel_for(outer * inner, std::max<int64_t>(1, elements_per_task / std::max<int64_t>(n, 1)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t line = begin; line < end; ++line)
                     body(line / inner * n * inner + line % inner, line);
                 });
  }
};

template <class T>
int64_t place_of_greatest(const T* x, int64_t n, int64_t stride) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; ++i) {
    const T value = x[i * stride], greatest = x[best * stride];
    if (value > greatest || (value != value && greatest == greatest)) best = i;
  }
  return best;
}

template <class T>
void accumulate(const T* x, T* y, int64_t n, int64_t stride, bool reverse, bool exclusive) {
  Total<Sum, T> total = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = (reverse ? n - 1 - i : i) * stride;
    const auto before = total;
    total = Sum{}(total, Total<Sum, T>(x[at]));
    y[at] = static_cast<T>(exclusive ? before : total);
  }
}

}  // namespace

Kernel argmax_kernel() {
  return [](const KernelCall& call) {
    const View& x = call.inputs[0];
    const Line line(x.shape(), call.attributes.integer("axis"));
    if (line.n == 0 && call.outputs[0].count() > 0)
      throw ShapeError("argmax: x " + to_string(x.type) + " has no elements along its axis.");
    auto* y = call.outputs[0].as<int64_t>();
    dispatch(x.dtype(), [&]<class T>(T) {
      line.for_each([&](int64_t first, int64_t i) {
        y[i] = place_of_greatest(x.as<const T>() + first, line.n, line.inner);
      });
    });
  };
}

Kernel cumsum_kernel() {
  return [](const KernelCall& call) {
    const View& x = call.inputs[0];
    const Line line(x.shape(), call.attributes.integer("axis"));
    const bool reverse = call.attributes.integer("reverse", 0) != 0;
    const bool exclusive = call.attributes.integer("exclusive", 0) != 0;
    dispatch_among(Numeric{}, x.dtype(), [&]<class T>(T) {
      line.for_each([&](int64_t first, int64_t) {
        accumulate(x.as<const T>() + first, call.outputs[0].as<T>() + first, line.n, line.inner,
                   reverse, exclusive);
      });
    });
  };
}

}  // namespace tempo
