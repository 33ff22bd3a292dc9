// SPDX-License-Identifier: Apache-2.0
// Type rules: the inputs that an op accepts, and the types of its results. An error begins with the
// broken rule; apply() puts the op's name before it, and the operands after its first line.
#pragma once

#include "graph/op.hpp"

namespace tempo {

/// The dtypes that an op accepts.
enum class Accepts { floating, numeric, boolean, integer, any };

/// One input; the result has its type.
TypeRule same_as_input(Accepts accepts);
/// Inputs of one dtype, broadcast; the result has that dtype.
TypeRule broadcast(Accepts accepts, std::size_t n_inputs = 2);
/// As broadcast, but the result is bool.
TypeRule broadcast_to_bool(Accepts accepts);

void require_inputs(const TypeCall& call, std::size_t n);
void require(Accepts accepts, DType dtype);
void require_same_dtype(DType a, DType b);
/// The shape to which all of these broadcast; ShapeError if there is none.
Shape require_broadcast(std::span<const Shape> shapes);
/// The sum of two extents; a ShapeError if it exceeds 64 bits.
int64_t sum_of_extents(int64_t a, int64_t b);
/// Their product, likewise.
int64_t product_of_extents(int64_t a, int64_t b);
/// An axis attribute, counted from the front; ShapeError if `shape` lacks it.
int require_axis(int64_t axis, const Shape& shape);
/// The same check for a list of axes; none may occur twice.
void require_axes(const std::vector<int64_t>& axes, const Shape& shape);
/// The dtype attribute; -1 or a missing one means the default dtype.
DType dtype_attribute(const Attributes& attributes);

}  // namespace tempo
