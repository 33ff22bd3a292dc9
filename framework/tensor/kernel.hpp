// SPDX-License-Identifier: Apache-2.0
// The form of every kernel: read the inputs, write the outputs, which are allocated already.
#pragma once

#include <functional>
#include <span>

#include "tensor/array.hpp"
#include "tensor/attributes.hpp"

namespace tempo {

struct KernelCall {
  std::span<const View> inputs;
  std::span<const View> outputs;  // contiguous, uninitialised, of the types the shape rule gave
  const Attributes& attributes;
};

/// Elements that a tile runs over at once.
inline constexpr int64_t tile_lanes = 16;

/// Rows that lie apart: how many, and the bytes from one to the next in each operand.
struct TileRows {
  int64_t count = 1;
  int64_t inputs[3] = {};
  int64_t output = 0;
};

/// An elementwise function over a tile, rows of n elements, on the calling thread: of each row,
/// input i is contiguous (stride 1) or one element for all (stride 0); the output is contiguous and
/// may be an input of the same element size. n may be 0; a multiple of tile_lanes is fastest.
using Tile = void (*)(const void* const* inputs, const int64_t* strides, void* output, int64_t n,
                      const TileRows& rows);

struct Kernel : std::function<void(const KernelCall&)> {
  using function::function;
  /// Of elementwise kernels: the tile for the instruction set in use, by the dtypes of the last
  /// input and of the output; null for dtypes it is not for. Independent of attributes.
  Tile (*tile)(DType input, DType output) = nullptr;
  /// Of reductions: the tile that folds each row of n elements, at least one, into one element.
  Tile (*fold)(DType input) = nullptr;
};

}  // namespace tempo
