// SPDX-License-Identifier: Apache-2.0
// Shapes in memory: broadcasting, strides in elements, and the merging of axes.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "tensor/array.hpp"

namespace tempo {

using Strides = std::array<int64_t, Shape::max_rank>;

/// The shape to which all of these broadcast by NumPy's rules, if there is one.
std::optional<Shape> broadcast_shapes(std::span<const Shape> shapes);

/// Strides of a contiguous row-major array, in elements.
Strides contiguous_strides(const Shape& shape);

/// Strides that read an array of `shape` as one of shape `to`: 0 along repeated axes.
Strides broadcast_strides(const Shape& shape, const Shape& to);

/// Drops the axes of extent 1 from `shape`, and merges neighbouring axes that every operand crosses
/// with one stride; adapts the operands' strides. At least one axis remains.
void merge_axes(Shape& shape, std::span<Strides> operands);

/// Elements of memory with a stride on each axis: the first element, and strides in elements.
struct StridedRange {
  void* first = nullptr;
  Strides strides{};
};

/// Copies the `shape` elements of `from` to those of `to`; the regions must not overlap.
void copy(const Shape& shape, std::size_t element_size, StridedRange from, StridedRange to);

}  // namespace tempo
