// SPDX-License-Identifier: Apache-2.0
// Ops that find rows by index. Indices have no gradient.
#include <tempo/ops.hpp>

#include "graph/mask.hpp"
#include "ops/types.hpp"
#include "tensor/kernels/indexing.hpp"

namespace tempo {
namespace {

void require_indices(DType dtype) {
  if (dtype != int32 && dtype != int64)
    throw ShapeError("indices must be int32 or int64\n  cast(indices, int64) makes them so.");
}

// y = a[b]                     da = dy, added up at the rows b
const auto& gather_op = define({
    .name = "gather",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 2);
          const TensorType &table = call.inputs[0], &indices = call.inputs[1];
          if (table.shape.empty()) throw ShapeError("the table needs an axis to look along");
          require_indices(indices.dtype);
          Shape shape = indices.shape;
          for (int64_t extent : table.shape.without_first()) shape.push_back(extent);
          return std::vector<TensorType>{{table.dtype, shape}};
        },
    .kernel = gather_kernel(),
    .vjp = {[](const Vjp& v) {
      static const sdk::Op scatter_add("scatter_add");
      return scatter_add(v.b(), v.dy(), {{"rows", v.a().shape().front()}});
    }},
    .mask = masks::by_index,
});

// y = a as indices, each of them a whole number below the attribute `bound`
const auto& index_op = define({
    .name = "index",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 1);
          const TensorType& a = call.inputs[0];
          require(Accepts::numeric, a.dtype);
          return std::vector<TensorType>{{is_floating(a.dtype) ? int32 : a.dtype, a.shape}};
        },
    .kernel = index_kernel(),
    .leading_axis = LeadingAxis::all,
    .refuses = true,
    .mask = masks::elementwise,
});

std::vector<TensorType> scatter_add_type(const TypeCall& call) {
  require_inputs(call, 2);
  const TensorType &indices = call.inputs[0], &updates = call.inputs[1];
  require_indices(indices.dtype);
  require(Accepts::numeric, updates.dtype);
  const int rank = indices.shape.rank();
  const int64_t* const first = updates.shape.begin();
  if (updates.shape.rank() < rank || Shape(first, first + rank) != indices.shape)
    throw ShapeError(
        "one update is needed for each index\n  The shape of b must begin with that of a.");
  Shape shape{call.attributes.integer("rows")};
  for (int axis = rank; axis < updates.shape.rank(); ++axis) shape.push_back(updates.shape[axis]);
  return {{updates.dtype, shape}};
}

// y[a] += b, from zeros        db = dy[a]
const auto& scatter_add_op = define({
    .name = "scatter_add",
    .type = scatter_add_type,
    .kernel = scatter_add_kernel(),
    .vjp = {{}, [](const Vjp& v) { return gather(v.dy(), v.a()); }},
});

// y[..., k] = 1 where k = a, else 0
const auto& one_hot_op = define({
    .name = "one_hot",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 1);
          require_indices(call.inputs[0].dtype);
          const int64_t depth = call.attributes.integer("depth");
          if (depth < 0) throw ShapeError("a depth of " + std::to_string(depth) + " is below 0");
          Shape shape = call.inputs[0].shape;
          shape.push_back(depth);
          return std::vector<TensorType>{{dtype_attribute(call.attributes), shape}};
        },
    .kernel = one_hot_kernel(),
    .mask = masks::leading,
});

}  // namespace
}  // namespace tempo
