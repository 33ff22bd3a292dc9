// SPDX-License-Identifier: Apache-2.0
// The type rules that several ops share.
#include "ops/types.hpp"

#include <algorithm>

#include "tensor/few.hpp"
#include "tensor/strides.hpp"

namespace tempo {

namespace {

bool fits(Accepts accepts, DType dtype) {
  switch (accepts) {
    case Accepts::floating: return is_floating(dtype);
    case Accepts::numeric: return dtype != bool_;
    case Accepts::boolean: return dtype == bool_;
    case Accepts::integer: return dtype == int32 || dtype == int64;
    case Accepts::any: break;
  }
  return true;
}

const char* rule_of(Accepts accepts) {
  switch (accepts) {
    case Accepts::floating: return "needs float32 or float64\n  cast(x, float32) makes it so.";
    case Accepts::numeric: return "needs numbers, not bool\n  cast(x, float32) makes it so.";
    case Accepts::boolean:
      return "needs bool\n  A comparison (x > 0) or cast(x, bool_) makes it so.";
    case Accepts::integer: return "needs int32 or int64\n  cast(x, int64) makes it so.";
    case Accepts::any: break;
  }
  return "";
}

TensorType broadcast_type(const TypeCall& call, Accepts accepts, std::size_t n_inputs) {
  require_inputs(call, n_inputs);
  Few<Shape> shapes(n_inputs);
  for (std::size_t i = 0; i < n_inputs; ++i) {
    require_same_dtype(call.inputs[0].dtype, call.inputs[i].dtype);
    shapes[i] = call.inputs[i].shape;
  }
  require(accepts, call.inputs[0].dtype);
  return {call.inputs[0].dtype, require_broadcast(shapes)};
}

}  // namespace

TypeRule same_as_input(Accepts accepts) {
  return [accepts](const TypeCall& call) {
    require_inputs(call, 1);
    require(accepts, call.inputs[0].dtype);
    return std::vector{call.inputs[0]};
  };
}

TypeRule broadcast(Accepts accepts, std::size_t n_inputs) {
  return [=](const TypeCall& call) { return std::vector{broadcast_type(call, accepts, n_inputs)}; };
}

TypeRule broadcast_to_bool(Accepts accepts) {
  return [accepts](const TypeCall& call) {
    return std::vector<TensorType>{{bool_, broadcast_type(call, accepts, 2).shape}};
  };
}

void require_inputs(const TypeCall& call, std::size_t n) {
  if (call.inputs.size() != n)
    throw ShapeError("needs " + std::to_string(n) + " inputs, got " +
                     std::to_string(call.inputs.size()));
}

void require(Accepts accepts, DType dtype) {
  if (!fits(accepts, dtype)) throw ShapeError(rule_of(accepts));
}

void require_same_dtype(DType a, DType b) {
  if (a == b) return;
  const DType common = is_floating(a) ? a : b;
  throw ShapeError(std::string("dtypes differ\n  One operand is ") + name_of(a) + ", the other " +
                   name_of(b) + "; cast(x, " + name_of(common) + ") makes them agree.");
}

Shape require_broadcast(std::span<const Shape> shapes) {
  if (const std::optional<Shape> shape = broadcast_shapes(shapes)) return *shape;
  int rank = 0;
  for (const Shape& shape : shapes) rank = std::max(rank, shape.rank());
  for (int axis = -1; axis >= -rank; --axis) {
    int64_t extent = 1;
    for (const Shape& shape : shapes) {
      if (-axis > shape.rank() || shape[axis] == 1 || shape[axis] == extent) continue;
      if (extent != 1)
        throw ShapeError("shapes do not broadcast\n  Axis " + std::to_string(axis) + " is " +
                         std::to_string(extent) + " in one and " + std::to_string(shape[axis]) +
                         " in the other; extents must be equal, or 1.");
      extent = shape[axis];
    }
  }
  throw ShapeError("shapes do not broadcast");
}

namespace {
[[noreturn]] void uncountable(int64_t a, const char* with, int64_t b) {
  throw ShapeError("an axis cannot have " + std::to_string(a) + with + std::to_string(b) +
                   " elements: 64 bits do not count as many");
}
}  // namespace

int64_t sum_of_extents(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) uncountable(a, " + ", b);
  return sum;
}

int64_t product_of_extents(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) uncountable(a, " x ", b);
  return product;
}

void require_axes(const std::vector<int64_t>& axes, const Shape& shape) {
  unsigned seen = 0;
  for (int64_t axis : axes) {
    const unsigned mark = 1u << require_axis(axis, shape);
    if (seen & mark)
      throw ShapeError("axis " + std::to_string(axis) + ", counted from the end, is named twice");
    seen |= mark;
  }
}

int require_axis(int64_t axis, const Shape& shape) {
  const int rank = shape.rank();
  if (axis < -rank || axis >= rank)
    throw ShapeError("no axis " + std::to_string(axis) + "\n  It must lie in [" +
                     std::to_string(-rank) + ", " + std::to_string(rank - 1) + "].");
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace tempo
