// SPDX-License-Identifier: Apache-2.0
// Broadcasting rules and strided copies.
#include "tensor/strides.hpp"

#include <algorithm>
#include <cstring>

#include "tensor/parallel.hpp"

namespace tempo {
namespace {

template <class Word>
void copy_row(int64_t n, const char* from, int64_t from_stride, char* to, int64_t to_stride) {
  const auto* x = reinterpret_cast<const Word*>(from);
  auto* y = reinterpret_cast<Word*>(to);
  if (from_stride == 1 && to_stride == 1) {
    std::memcpy(y, x, static_cast<std::size_t>(n) * sizeof(Word));
  } else if (from_stride == 0 && to_stride == 1) {
    std::fill_n(y, n, *x);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * to_stride] = x[i * from_stride];
  }
}

/// Copies rows [begin, end); a row is a run along the last axis.
template <class Word>
void copy_rows(const Shape& shape, const StridedRange& from, const StridedRange& to, int64_t begin,
               int64_t end) {
  const int last = shape.rank() - 1;
  const auto along = static_cast<std::size_t>(last);
  for (int64_t row = begin; row < end; ++row) {
    int64_t x = 0, y = 0, rest = row;
    for (int axis = last - 1; axis >= 0; --axis) {
      const int64_t i = rest % shape[axis];
      rest /= shape[axis];
      x += i * from.strides[static_cast<std::size_t>(axis)];
      y += i * to.strides[static_cast<std::size_t>(axis)];
    }
    copy_row<Word>(shape[last], static_cast<const char*>(from.first) + x * int64_t{sizeof(Word)},
                   from.strides[along], static_cast<char*>(to.first) + y * int64_t{sizeof(Word)},
                   to.strides[along]);
  }
}

/// Transposes [rows, columns] in square tiles, so that both sides stay in cache.
template <class Word>
void copy_transposed(int64_t rows, int64_t columns, const StridedRange& from,
                     const StridedRange& to) {
  constexpr int64_t tile = 32;
  const auto* x = static_cast<const Word*>(from.first);
  auto* y = static_cast<Word*>(to.first);
  parallel_for(rows, std::max(tile, elements_per_task / columns / tile * tile),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i0 = begin; i0 < end; i0 += tile)
                   for (int64_t j0 = 0; j0 < columns; j0 += tile)
                     for (int64_t i = i0; i < std::min(end, i0 + tile); ++i)
                       for (int64_t j = j0; j < std::min(columns, j0 + tile); ++j)
                         y[i * to.strides[0] + j * to.strides[1]] =
                             x[i * from.strides[0] + j * from.strides[1]];
               });
}

template <class Word>
void copy_words(const Shape& shape, const StridedRange& from, const StridedRange& to) {
  const int64_t row = shape.back();
  if (shape.rank() == 2 && from.strides[0] == 1 && from.strides[1] != 0 && to.strides[1] == 1)
    return copy_transposed<Word>(shape[0], shape[1], from, to);
  parallel_for(shape.count() / row, std::max<int64_t>(1, elements_per_task / row),
               [&](int64_t begin, int64_t end) { copy_rows<Word>(shape, from, to, begin, end); });
}

}  // namespace

std::optional<Shape> broadcast_shapes(std::span<const Shape> shapes) {
  int rank = 0;
  for (const Shape& s : shapes) rank = std::max(rank, s.rank());
  Shape result;
  for (int axis = -rank; axis < 0; ++axis) {
    int64_t extent = 1;
    for (const Shape& s : shapes) {
      if (s.rank() < -axis || s[axis] == 1) continue;
      if (extent != 1 && extent != s[axis]) return std::nullopt;
      extent = s[axis];
    }
    result.push_back(extent);
  }
  return result;
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides{};
  uint64_t step = 1;  // it wraps around only for arrays without elements
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = static_cast<int64_t>(step);
    step *= static_cast<uint64_t>(shape[axis]);
  }
  return strides;
}

Strides broadcast_strides(const Shape& shape, const Shape& to) {
  const Strides own = contiguous_strides(shape);
  Strides strides{};
  const int extra = to.rank() - shape.rank();
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] != 1)
      strides[static_cast<std::size_t>(axis + extra)] = own[static_cast<std::size_t>(axis)];
  return strides;
}

void merge_axes(Shape& shape, std::span<Strides> operands) {
  Shape merged;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    const auto here = static_cast<std::size_t>(axis);
    const bool even =
        !merged.empty() && std::all_of(operands.begin(), operands.end(), [&](const Strides& s) {
          return s[static_cast<std::size_t>(merged.rank() - 1)] == s[here] * shape[axis];
        });
    if (even) {
      merged[-1] *= shape[axis];
    } else {
      merged.push_back(shape[axis]);
    }
    for (Strides& s : operands) s[static_cast<std::size_t>(merged.rank() - 1)] = s[here];
  }
  if (merged.empty()) {
    merged.push_back(1);
    for (Strides& s : operands) s[0] = 1;
  }
  shape = merged;
}

void copy(const Shape& shape, std::size_t element_size, StridedRange from, StridedRange to) {
  if (shape.count() == 0) return;
  Shape merged = shape;
  Strides strides[] = {from.strides, to.strides};
  merge_axes(merged, strides);
  from.strides = strides[0];
  to.strides = strides[1];
  if (element_size == 1) return copy_words<uint8_t>(merged, from, to);
  if (element_size == 4) return copy_words<uint32_t>(merged, from, to);
  copy_words<uint64_t>(merged, from, to);
}

}  // namespace tempo
