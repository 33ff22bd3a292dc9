// SPDX-License-Identifier: Apache-2.0
// Windows that slide along an axis, and their sum: the parts of convolutions.
#include "tensor/kernels/windows.hpp"

#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "ops/types.hpp"

namespace tempo {
namespace {

// The number of elements that a window spans.
int64_t span_of(const Attributes& attributes) {
  return (attributes.integer("size") - 1) * attributes.integer("dilation") + 1;
}

int at(const TypeCall& call, const Shape& shape) {
  const int64_t axis = call.attributes.integer("axis");
  require_axis(axis, shape);
  return static_cast<int>(axis);
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
          const int64_t span = span_of(call.attributes);
          if (a.shape[axis] < span)
            throw ShapeError("a window reaches over " + std::to_string(span) +
                             " places, and the axis has " + std::to_string(a.shape[axis]));
          Shape shape = a.shape;
          shape[axis] = (shape[axis] - span) / call.attributes.integer("stride") + 1;
          shape[-1] *= call.attributes.integer("size");
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
          const int64_t size = call.attributes.integer("size"),
                        extent = call.attributes.integer("extent"),
                        needed = (a.shape[axis] - 1) * call.attributes.integer("stride") +
                                 span_of(call.attributes);
          if (a.shape[-1] % size != 0)
            throw ShapeError("the last axis does not divide into windows of " +
                             std::to_string(size));
          if (extent < needed)
            throw ShapeError("the windows reach over " + std::to_string(needed) +
                             " places, and the result has " + std::to_string(extent));
          Shape shape = a.shape;
          shape[axis] = extent;
          shape[-1] /= size;
          return std::vector<TensorType>{{a.dtype, shape}};
        },
    .kernel = overlap_add_kernel(),
    .vjp = {[](const Vjp& v) {
      const Attributes& a = v.attributes();
      const auto axis = static_cast<int>(a.integer("axis"));
      const int64_t size = a.integer("size"), stride = a.integer("stride"),
                    dilation = a.integer("dilation");
      const int64_t read = (v.a().shape()[axis] - 1) * stride + (size - 1) * dilation + 1;
      return windows(slice(v.dy(), axis, 0, read), axis, size, stride, dilation);
    }},
    .leading_axis = LeadingAxis::all,
    .linear = true,
});

}  // namespace
}  // namespace tempo
