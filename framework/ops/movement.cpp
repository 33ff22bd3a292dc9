// SPDX-License-Identifier: Apache-2.0
// Ops that join, cut and reorder tensors. The gradient of each is another one.
#include "tensor/kernels/movement.hpp"

#include <algorithm>

#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "ops/known.hpp"
#include "ops/types.hpp"

namespace tempo {
namespace {

int axis_of(const TypeCall& call) {
  return require_axis(call.attributes.integer("axis"), call.inputs[0].shape);
}

std::vector<TensorType> concat_type(const TypeCall& call) {
  if (call.inputs.empty()) throw ShapeError("needs at least one input");
  const int axis = axis_of(call);
  TensorType result = call.inputs[0];
  result.shape[axis] = 0;
  for (const TensorType& part : call.inputs) {
    require_same_dtype(result.dtype, part.dtype);
    Shape others = part.shape;
    if (others.rank() == result.shape.rank()) others[axis] = result.shape[axis];
    if (others != result.shape)
      throw ShapeError("shapes differ beside the axis\n  All axes but " +
                       std::to_string(axis - result.shape.rank()) + " must be equal.");
    result.shape[axis] = sum_of_extents(result.shape[axis], part.shape[axis]);
  }
  return {result};
}

Tensors concat_vjp(const Vjp& v, const std::vector<bool>& wanted) {
  const int axis = static_cast<int>(v.attributes().integer("axis"));
  Tensors gradients(v.n_inputs());
  if (std::all_of(wanted.begin(), wanted.end(), [](bool w) { return w; })) {
    std::vector<int64_t> sizes;
    for (std::size_t i = 0; i < v.n_inputs(); ++i) sizes.push_back(v.x(i).shape()[axis]);
    return split(v.dy(), sizes, axis);
  }
  int64_t begin = 0;
  for (std::size_t i = 0; i < v.n_inputs(); ++i) {
    const int64_t end = begin + v.x(i).shape()[axis];
    if (wanted[i]) gradients[i] = slice(v.dy(), axis, begin, end);
    begin = end;
  }
  return gradients;
}

// y = [a, b, ...] along an axis                          da, db, ... = its parts of dy
const auto& defined_concat = define(concat_op, {
                                                   .name = "concat",
                                                   .type = concat_type,
                                                   .kernel = concat_kernel(),
                                                   .vjp_all = concat_vjp,
                                                   .leading_axis = LeadingAxis::all,
                                                   .rearranges = true,
                                                   .linear = true,
                                                   .mask = masks::along,
                                               });

std::vector<TensorType> split_type(const TypeCall& call) {
  require_inputs(call, 1);
  const TensorType& a = call.inputs[0];
  const int axis = axis_of(call);
  const std::vector<int64_t>& sizes = call.attributes.list("sizes");
  if (sizes.size() != call.n_results)
    throw ShapeError(std::to_string(sizes.size()) + " sizes for " + std::to_string(call.n_results) +
                     " results");
  int64_t total = 0;
  std::vector<TensorType> parts;
  for (int64_t size : sizes) {
    if (size < 0) throw ShapeError("a part cannot have the size " + std::to_string(size));
    total = sum_of_extents(total, size);
    parts.push_back(a);
    parts.back().shape[axis] = size;
  }
  if (total != a.shape[axis])
    throw ShapeError("the sizes do not sum to the extent\n  They make " + std::to_string(total) +
                     "; the axis has " + std::to_string(a.shape[axis]) + ".");
  return parts;
}

Tensors split_vjp(const Vjp& v, const std::vector<bool>&) {
  Tensors parts;
  for (std::size_t k = 0; k < v.n_results(); ++k) {
    const TensorType& type = v.application().types[k];
    parts.push_back(v.dy(k) ? v.dy(k) : zeros(type.shape, type.dtype));
  }
  return {concat(parts, static_cast<int>(v.attributes().integer("axis")))};
}

// y0, y1, ... = parts of a along an axis                 da = [dy0, dy1, ...]
const auto& defined_split = define(split_op, {
                                                 .name = "split",
                                                 .type = split_type,
                                                 .kernel = split_kernel(),
                                                 .vjp_all = split_vjp,
                                                 .leading_axis = LeadingAxis::all,
                                                 .rearranges = true,
                                                 .linear = true,
                                                 .mask = masks::along,
                                             });

// y = a[begin:end] along an axis                         da = dy with zeros around
const auto& defined_slice =
    define(slice_op,
           {
               .name = "slice",
               .type =
                   [](const TypeCall& call) {
                     require_inputs(call, 1);
                     TensorType result = call.inputs[0];
                     int64_t& extent = result.shape[axis_of(call)];
                     const int64_t begin = call.attributes.integer("begin"),
                                   end = call.attributes.integer("end");
                     if (begin < 0 || begin > end || end > extent)
                       throw ShapeError("[" + std::to_string(begin) + ", " + std::to_string(end) +
                                        ") is not within an axis of " + std::to_string(extent));
                     extent = end - begin;
                     return std::vector{result};
                   },
               .kernel = slice_kernel(),
               .vjp = {[](const Vjp& v) {
                 const int axis = static_cast<int>(v.attributes().integer("axis"));
                 const int64_t extent = v.a().shape()[axis];
                 return pad(v.dy(), axis, v.attributes().integer("begin"),
                            extent - v.attributes().integer("end"));
               }},
               .leading_axis = LeadingAxis::all,
               .linear = true,
               .mask = masks::along,
           });

// y = a padded with zeros along an axis                  da = its part of dy
const auto& pad_op = define({
    .name = "pad",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 1);
          TensorType result = call.inputs[0];
          const int64_t before = call.attributes.integer("before");
          const int64_t after = call.attributes.integer("after");
          if (before < 0 || after < 0)
            throw ShapeError("cannot pad by less than 0\n  slice(x, axis, begin, end) cuts.");
          int64_t& extent = result.shape[axis_of(call)];
          extent = sum_of_extents(sum_of_extents(extent, before), after);
          return std::vector{result};
        },
    .kernel = pad_kernel(),
    .vjp = {[](const Vjp& v) {
      const int axis = static_cast<int>(v.attributes().integer("axis"));
      const int64_t begin = v.attributes().integer("before");
      return slice(v.dy(), axis, begin, begin + v.a().shape()[axis]);
    }},
    .leading_axis = LeadingAxis::all,
    .linear = true,
    .mask = masks::of_features,
});

// y = a reversed along the axes                          da = dy reversed
const auto& reverse_op = define({
    .name = "reverse",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 1);
          require_axes(call.attributes.list("axes"), call.inputs[0].shape);
          return std::vector{call.inputs[0]};
        },
    .kernel = reverse_kernel(),
    .vjp = {[](const Vjp& v) {
      static const sdk::Op op("reverse");
      return op(v.dy(), {{"axes", v.attributes().list("axes")}});
    }},
    .leading_axis = LeadingAxis::all,
    .mask = masks::along,
});

}  // namespace
}  // namespace tempo
