// SPDX-License-Identifier: Apache-2.0
// Type rules: what an op accepts and what comes out. Their errors begin with the rule that is
// broken; apply() puts the op's name before it and the operands after its first line.
#pragma once

#include "graph/op.hpp"

namespace tempo {

/// Which dtypes an op is for.
enum class Accepts { floating, numeric, boolean, integer, any };

/// One input; a result of its type.
TypeRule same_as_input(Accepts accepts);
/// Inputs of one dtype, broadcast; a result of that dtype.
TypeRule broadcast(Accepts accepts, std::size_t n_inputs = 2);
/// As broadcast, but a result of bools.
TypeRule broadcast_to_bool(Accepts accepts);

void require_inputs(const TypeCall& call, std::size_t n);
void require(Accepts accepts, DType dtype);
void require_same_dtype(DType a, DType b);
/// The shape that all of these broadcast to.
Shape require_broadcast(std::span<const Shape> shapes);
/// Extents put together; a ShapeError where 64 bits cannot count them.
int64_t sum_of_extents(int64_t a, int64_t b);
/// An axis attribute, counted from the front of `shape`.
int require_axis(int64_t axis, const Shape& shape);
/// A list of them, none named twice.
void require_axes(const std::vector<int64_t>& axes, const Shape& shape);
/// The dtype attribute, where -1 or none is the default dtype.
DType dtype_attribute(const Attributes& attributes);

}  // namespace tempo
