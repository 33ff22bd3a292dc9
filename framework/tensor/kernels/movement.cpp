// SPDX-License-Identifier: Apache-2.0
// Movement is one strided copy: a kernel only sets where the ranges start and how they step.
#include "tensor/kernels/movement.hpp"

#include <algorithm>
#include <cstring>

#include "tensor/kernels/pointwise.hpp"
#include "tensor/parallel.hpp"
#include "tensor/strides.hpp"

namespace tempo {
namespace {

std::size_t positive(int64_t axis, const Shape& shape) {
  return static_cast<std::size_t>(axis < 0 ? axis + shape.rank() : axis);
}

/// A whole view, in order.
StridedRange whole(const View& view) { return {view.data, contiguous_strides(view.shape())}; }

/// The range, starting `index` steps further along an axis.
StridedRange from(StridedRange range, std::size_t axis, int64_t index, DType dtype) {
  range.first = static_cast<char*>(range.first) +
                index * range.strides[axis] * static_cast<int64_t>(size_of(dtype));
  return range;
}

void set_zero(const View& view) { std::memset(view.data, 0, view.type.bytes()); }

}  // namespace

Kernel transpose_kernel() {
  return [](const KernelCall& call) {
    const View &x = call.inputs[0], &y = call.outputs[0];
    const auto& permutation = call.attributes.list("permutation");
    const StridedRange rows = whole(x);
    StridedRange range = rows;
    for (std::size_t axis = 0; axis < permutation.size(); ++axis)
      range.strides[axis] = rows.strides[positive(permutation[axis], x.shape())];
    copy(y.shape(), size_of(x.dtype()), range, whole(y));
  };
}

Kernel slice_kernel() {
  return [](const KernelCall& call) {
    const View &x = call.inputs[0], &y = call.outputs[0];
    if (y.count() == 0) return;
    const std::size_t axis = positive(call.attributes.integer("axis"), x.shape());
    copy(y.shape(), size_of(x.dtype()),
         from(whole(x), axis, call.attributes.integer("begin"), x.dtype()), whole(y));
  };
}

Kernel pad_kernel() {
  return [](const KernelCall& call) {
    const View &x = call.inputs[0], &y = call.outputs[0];
    set_zero(y);
    if (x.count() == 0) return;
    const std::size_t axis = positive(call.attributes.integer("axis"), x.shape());
    copy(x.shape(), size_of(x.dtype()), whole(x),
         from(whole(y), axis, call.attributes.integer("before"), x.dtype()));
  };
}

Kernel concat_kernel() {
  return [](const KernelCall& call) {
    const View& y = call.outputs[0];
    const std::size_t axis = positive(call.attributes.integer("axis"), y.shape());
    int64_t at = 0;
    for (const View& x : call.inputs) {
      copy(x.shape(), size_of(x.dtype()), whole(x), from(whole(y), axis, at, y.dtype()));
      at += x.shape()[static_cast<int>(axis)];
    }
  };
}

Kernel split_kernel() {
  return [](const KernelCall& call) {
    const View& x = call.inputs[0];
    const std::size_t axis = positive(call.attributes.integer("axis"), x.shape());
    int64_t at = 0;
    for (const View& y : call.outputs) {
      copy(y.shape(), size_of(x.dtype()), from(whole(x), axis, at, x.dtype()), whole(y));
      at += y.shape()[static_cast<int>(axis)];
    }
  };
}

Kernel reverse_kernel() {
  return [](const KernelCall& call) {
    const View &x = call.inputs[0], &y = call.outputs[0];
    if (y.count() == 0) return;
    StridedRange range = whole(x);
    for (int64_t each : call.attributes.list("axes")) {
      const std::size_t axis = positive(each, x.shape());
      range = from(range, axis, x.shape()[static_cast<int>(axis)] - 1, x.dtype());
      range.strides[axis] = -range.strides[axis];
    }
    copy(y.shape(), size_of(x.dtype()), range, whole(y));
  };
}

Kernel broadcast_kernel() {
  Kernel kernel = [](const KernelCall& call) {
    const View &x = call.inputs[0], &y = call.outputs[0];
    copy(y.shape(), size_of(x.dtype()), {x.data, broadcast_strides(x.shape(), y.shape())},
         whole(y));
  };
  kernel.tile = cast_kernel().tile;
  return kernel;
}

Kernel fill_kernel() {
  return [](const KernelCall& call) {
    const View& y = call.outputs[0];
    const double value = call.attributes.real("value");
    dispatch(y.dtype(), [&]<class T>(T) {
      constexpr bool is_integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;
      T filled;
      if constexpr (is_integer)
        filled = to_integer<T>(value);
      else
        filled = static_cast<T>(value);
      parallel_for(y.count(), elements_per_task, [&](int64_t begin, int64_t end) {
        std::fill(y.as<T>() + begin, y.as<T>() + end, filled);
      });
    });
  };
}

}  // namespace tempo
