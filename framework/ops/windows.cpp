// SPDX-License-Identifier: Apache-2.0
// Windows that slide along an axis, and their sum: the parts of convolutions.
#include "tensor/kernels/windows.hpp"

#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "ops/types.hpp"

namespace tempo {
namespace {

// A window that slides along an axis. A plugin may have set the attributes: they are checked here.
struct Sliding {
  explicit Sliding(const Attributes& attributes)
      : size(attributes.integer("size")),
        stride(attributes.integer("stride")),
        dilation(attributes.integer("dilation")) {
    if (size < 1 || stride < 1 || dilation < 1)
      throw ShapeError("size is " + std::to_string(size) + ", stride " + std::to_string(stride) +
                       " and dilation " + std::to_string(dilation) + "; each must be at least 1");
  }
  // The number of places between the first and the last one of so many windows.
  int64_t reach(int64_t windows) const {
    if (windows == 0) return 0;
    const int64_t span = sum_of_extents(product_of_extents(size - 1, dilation), 1);
    return sum_of_extents(product_of_extents(windows - 1, stride), span);
  }
  int64_t size, stride, dilation;
};

int at(const TypeCall& call, const Shape& shape) {
  const int axis = require_axis(call.attributes.integer("axis"), shape);
  if (axis == shape.rank() - 1)
    throw ShapeError(
        "windows lie along another axis than the last, which holds the values of a window");
  return axis;
}

// y[..., i, ..., j * features + f] = a[..., i * stride + j * dilation, ..., f]
//                              da = the sum of dy over overlapping windows
const auto& windows_op = define({
    .name = "windows",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 1);
          const TensorType& a = call.inputs[0];
          const int axis = at(call, a.shape);
          const Sliding sliding(call.attributes);
          const int64_t span = sliding.reach(1);
          if (a.shape[axis] < span)
            throw ShapeError("a window reaches over " + std::to_string(span) +
                             " places, and the axis has " + std::to_string(a.shape[axis]));
          Shape shape = a.shape;
          shape[axis] = (shape[axis] - span) / sliding.stride + 1;
          shape[-1] = product_of_extents(shape[-1], sliding.size);
          return std::vector<TensorType>{{a.dtype, shape}};
        },
    .kernel = windows_kernel(),
    .vjp = {[](const Vjp& v) {
      static const sdk::Op overlap_add("overlap_add");
      const Attributes& a = v.attributes();
      return overlap_add(v.dy(), {{"axis", a.integer("axis")},
                                  {"size", a.integer("size")},
                                  {"stride", a.integer("stride")},
                                  {"dilation", a.integer("dilation")},
                                  {"extent", v.a().shape()[static_cast<int>(a.integer("axis"))]}});
    }},
    .leading_axis = LeadingAxis::all,
    .rearranges = true,
    .linear = true,
    .cheap = true,
});

// y, of this extent: the sum of windows where they overlap
//                              da = the windows of dy
const auto& overlap_add_op = define({
    .name = "overlap_add",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 1);
          const TensorType& a = call.inputs[0];
          require(Accepts::numeric, a.dtype);
          const int axis = at(call, a.shape);
          const Sliding sliding(call.attributes);
          const int64_t extent = call.attributes.integer("extent"),
                        needed = sliding.reach(a.shape[axis]);
          if (a.shape[-1] % sliding.size != 0)
            throw ShapeError("the last axis does not divide into windows of " +
                             std::to_string(sliding.size));
          if (extent < needed)
            throw ShapeError("the windows reach over " + std::to_string(needed) +
                             " places, and the result has " + std::to_string(extent));
          Shape shape = a.shape;
          shape[axis] = extent;
          shape[-1] /= sliding.size;
          return std::vector<TensorType>{{a.dtype, shape}};
        },
    .kernel = overlap_add_kernel(),
    .vjp = {[](const Vjp& v) {
      const Attributes& a = v.attributes();
      const auto axis = static_cast<int>(a.integer("axis"));
      const Sliding s(a);
      if (v.a().shape()[axis] == 0) return zeros(v.a().shape(), v.a().dtype());
      const Tensor read = slice(v.dy(), axis, 0, s.reach(v.a().shape()[axis]));
      return windows(read, axis, s.size, s.stride, s.dilation);
    }},
    .leading_axis = LeadingAxis::all,
    .linear = true,
});

}  // namespace
}  // namespace tempo
