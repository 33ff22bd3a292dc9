// SPDX-License-Identifier: Apache-2.0
// The rules by which masks pass through ops, and the masks that the rules make.
#include "graph/mask.hpp"

#include <algorithm>

#include <tempo/ops.hpp>

namespace tempo {

namespace {

thread_local bool paused = false;

Shape first_axes(const Shape& shape, int n) { return Shape(shape.begin(), shape.begin() + n); }

bool begins_with(const Shape& shape, const Shape& first) {
  return shape.rank() >= first.rank() && first_axes(shape, first.rank()) == first;
}

// The mask with trailing axes of extent 1, up to this rank.
Tensor of_rank(const Tensor& mask, int rank) {
  Shape shape = mask.shape();
  if (shape.rank() == rank) return mask;
  while (shape.rank() < rank) shape.push_back(1);
  return reshape(mask, shape);
}

// The mask of x for a result to whose shape x was broadcast.
Tensor broadcast_mask(const Tensor& x, const Shape& result) {
  const Tensor mask = mask_of(x);
  if (!mask || x.rank() != result.rank()) return {};
  const Shape wanted = first_axes(result, mask.rank());
  return mask.shape() == wanted ? mask : broadcast_to(mask, wanted);
}

// The axes along which an op runs, counted from the front.
std::vector<int64_t> axes_of(const MaskCall& call) {
  std::vector<int64_t> axes = call.attributes.has("axis")
                                  ? std::vector{call.attributes.integer("axis")}
                                  : call.attributes.list("axes");
  for (int64_t& axis : axes)
    if (axis < 0) axis += call.inputs[0].rank();
  return axes;
}

// The mask of x with this rank; ones if x has no mask.
Tensor mask_or_ones(const Tensor& x, int rank) {
  const Shape shape = first_axes(x.shape(), rank);
  const Tensor mask = mask_of(x);
  if (!mask) return ones(shape, bool_);
  const Tensor whole = of_rank(mask, rank);
  return whole.shape() == shape ? whole : broadcast_to(whole, shape);
}

}  // namespace

Tensor both(const Tensor& a, const Tensor& b) {
  if (!a || !b) return a ? a : b;
  if (a.handle() == b.handle()) return a;
  const int rank = std::max(a.rank(), b.rank());
  return logical_and(of_rank(a, rank), of_rank(b, rank));
}

namespace masks {

Tensor elementwise(const MaskCall& call) {
  Tensor all;
  for (const Tensor& x : call.inputs) all = both(all, broadcast_mask(x, call.result));
  return all;
}

Tensor leading(const MaskCall& call) {
  Tensor all;
  for (const Tensor& x : call.inputs)
    if (const Tensor mask = mask_of(x); mask && begins_with(call.result, mask.shape()))
      all = both(all, mask);
  return all;
}

Tensor of_features(const MaskCall& call) {
  const Tensor mask = mask_of(call.inputs[0]);
  const auto within = [&](int64_t axis) { return axis < mask.rank(); };
  const std::vector<int64_t> axes = axes_of(call);
  return std::any_of(axes.begin(), axes.end(), within) ? Tensor{} : mask;
}

Tensor along(const MaskCall& call) {
  int rank = 0;
  for (const Tensor& x : call.inputs)
    if (const Tensor mask = mask_of(x)) rank = std::max(rank, mask.rank());
  std::vector<int64_t> axes = axes_of(call);
  std::erase_if(axes, [&](int64_t axis) { return axis >= rank; });
  if (axes.empty()) {
    Tensor all;
    for (const Tensor& x : call.inputs) all = both(all, mask_of(x));
    return all;
  }
  for (int64_t& axis : axes) axis -= rank;
  Attributes attributes = call.attributes;
  if (attributes.has("axis"))
    attributes.set("axis", axes[0]);
  else
    attributes.set("axes", axes);
  std::vector<Ref<Value>> parts;
  for (const Tensor& x : call.inputs) parts.push_back(to_value(mask_or_ones(x, rank)));
  const std::size_t n_results = attributes.has("sizes") ? attributes.list("sizes").size() : 1;
  return to_tensor(apply(call.op, std::move(parts), std::move(attributes), n_results)[call.k]);
}

Tensor reshaped(const MaskCall& call) {
  const Tensor mask = mask_of(call.inputs[0]);
  // A dropped last axis of one step would look like one that is kept.
  const bool cut =
      call.result.rank() < call.inputs[0].rank() && mask.rank() > 1 && mask.shape().back() == 1;
  return !cut && begins_with(call.result, mask.shape()) ? mask : Tensor{};
}

Tensor permuted(const MaskCall& call) {
  const Tensor mask = mask_of(call.inputs[0]);
  const std::vector<int64_t>& permutation = call.attributes.list("permutation");
  Axes order;
  for (int i = 0; i < mask.rank(); ++i) {
    const int64_t axis = permutation[static_cast<std::size_t>(i)];
    order.push_back(static_cast<int>(axis < 0 ? axis + call.inputs[0].rank() : axis));
    if (order.back() >= mask.rank()) return {};
  }
  return std::is_sorted(order.begin(), order.end()) ? mask : transpose(mask, order);
}

Tensor of_rows(const MaskCall& call) {
  const Tensor mask = mask_of(call.inputs[0]);
  if (!mask || mask.rank() == call.inputs[0].rank() || call.attributes.integer("transpose_a", 0))
    return {};
  return broadcast_mask(call.inputs[0], call.result);
}

Tensor by_index(const MaskCall& call) {
  const Tensor of_table = mask_of(call.inputs[0]), of_indices = mask_of(call.inputs[1]);
  return of_indices ? of_indices : gather(of_table, call.inputs[1]);
}

}  // namespace masks

Tensors masks_of_results(const OpDefinition& op, const std::vector<Ref<Value>>& inputs,
                         const Attributes& attributes, const std::vector<TensorType>& types) {
  if (std::none_of(inputs.begin(), inputs.end(),
                   [](const Ref<Value>& v) { return static_cast<bool>(v->mask); }))
    return {};
  const MaskRule rule = op.mask ? op.mask : op.pointwise ? masks::elementwise : nullptr;
  if (paused || !rule) return {};
  Tensors tensors, out;
  for (const Ref<Value>& v : inputs) tensors.push_back(to_tensor(v));
  for (std::size_t k = 0; k < types.size(); ++k)
    out.push_back(rule({tensors, attributes, op, types[k].shape, k}));
  return out;
}

Ref<Value> remasked(const Value& value, Ref<Value> mask) {
  Ref<Value> other(new Value);
  other->type = value.type;
  other->array = value.array;
  other->from = value.from;
  other->index = value.index;
  other->trace = value.trace;
  other->tracked = value.tracked;
  other->path = value.path;
  other->unmasked = !mask;
  other->mask = std::move(mask);
  return other;
}

MaskPause::MaskPause() : paused_(paused, true) {}

}  // namespace tempo
