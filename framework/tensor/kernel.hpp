// SPDX-License-Identifier: Apache-2.0
// The form of every kernel: reads the inputs, and writes the outputs, which are allocated.
#pragma once

#include <functional>
#include <span>

#include "tensor/array.hpp"
#include "tensor/attributes.hpp"

namespace tempo {

struct KernelCall {
  std::span<const View> inputs;
  std::span<const View> outputs;  // contiguous, uninitialised, of the types of the type rule
  const Attributes& attributes;
};

/// The number of elements that a tile processes at once.
inline constexpr int64_t tile_lanes = 16;

/// Rows that are not adjacent: their number, and the bytes between two rows in each operand.
struct TileRows {
  int64_t count = 1;
  int64_t inputs[3] = {};
  int64_t output = 0;
};

/// An elementwise function on a tile, rows of n elements, on the calling thread. In each row input
/// i is contiguous (stride 1) or one repeated element (stride 0); the output is contiguous, and may
/// be an input of the same element size. n may be 0; multiples of tile_lanes are fastest.
using Tile = void (*)(const void* const* inputs, const int64_t* strides, void* output, int64_t n,
                      const TileRows& rows);

struct Kernel : std::function<void(const KernelCall&)> {
  using function::function;
  /// For elementwise kernels: the tile for the instruction set in use, by the dtypes of the last
  /// input and of the output; null for unsupported dtypes. It does not depend on attributes.
  Tile (*tile)(DType input, DType output) = nullptr;
  /// For reductions: the tile that folds each row of n elements, at least one, into one element.
  Tile (*fold)(DType input) = nullptr;
};

}  // namespace tempo
