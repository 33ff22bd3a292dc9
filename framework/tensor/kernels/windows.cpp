// SPDX-License-Identifier: Apache-2.0
// Windows are one strided copy with an extra axis for the places in a window; their sum is computed
// row by row.
#include "tensor/kernels/windows.hpp"

#include <algorithm>

#include "tensor/parallel.hpp"
#include "tensor/strides.hpp"

namespace tempo {
namespace {

// A tensor as [outer, along, inner, features]: the axis, and the axes before and after it.
struct Axis {
  int64_t outer = 1, along = 1, inner = 1, features = 1;
  Axis(const Shape& shape, int64_t negative) {
    const int axis = static_cast<int>(negative) + shape.rank();
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    along = shape[axis];
    for (int i = axis + 1; i < shape.rank() - 1; ++i) inner *= shape[i];
    features = shape[-1];
  }
};

}  // namespace

Kernel windows_kernel() {
  return [](const KernelCall& call) {
    const View &x = call.inputs[0], &y = call.outputs[0];
    if (y.count() == 0) return;
    const Axis from(x.shape(), call.attributes.integer("axis")),
        to(y.shape(), call.attributes.integer("axis"));
    const int64_t row = from.inner * from.features;
    const Shape shape{to.outer, to.along, to.inner, call.attributes.integer("size"), from.features};
    const StridedRange range{x.data,
                             {from.along * row, call.attributes.integer("stride") * row,
                              from.features, call.attributes.integer("dilation") * row, 1}};
    copy(shape, size_of(x.dtype()), range, {y.data, contiguous_strides(shape)});
  };
}

Kernel overlap_add_kernel() {
  return [](const KernelCall& call) {
    const View &x = call.inputs[0], &y = call.outputs[0];
    const Axis from(x.shape(), call.attributes.integer("axis")),
        to(y.shape(), call.attributes.integer("axis"));
    const int64_t size = call.attributes.integer("size"), n = to.features,
                  stride = call.attributes.integer("stride"),
                  dilation = call.attributes.integer("dilation");
    dispatch(y.dtype(), [&]<class T>(T) {
      if constexpr (!std::is_same_v<T, bool>) {
        const T* const windows = x.as<T>();
        T* const sums = y.as<T>();
        const int64_t row = to.inner * n, of_one = to.along * row;
        parallel_for(to.outer, std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, of_one)),
                     [&](int64_t begin, int64_t end) {
                       for (int64_t o = begin; o < end; ++o) {
                         T* const whole = sums + o * of_one;
                         std::fill(whole, whole + of_one, T(0));
                         const T* w = windows + o * from.along * from.inner * from.features;
                         for (int64_t i = 0; i < from.along; ++i)
                           for (int64_t k = 0; k < from.inner; ++k)
                             for (int64_t j = 0; j < size; ++j, w += n) {
                               T* const place = whole + (i * stride + j * dilation) * row + k * n;
                               for (int64_t f = 0; f < n; ++f) place[f] += w[f];
                             }
                       }
                     });
      }
    });
  };
}

}  // namespace tempo
