// SPDX-License-Identifier: Apache-2.0
// The common part of elementwise kernels: broadcasting as runs of contiguous elements, and tasks.
#include "tensor/kernels/pointwise.hpp"

#include <algorithm>
#include <cmath>

#include "tensor/parallel.hpp"
#include "tensor/strides.hpp"

namespace tempo {
namespace {

constexpr std::size_t most_inputs = 3;

/// A pointwise call as rows: along a row, each input either advances with the output or repeats.
class Rows {
 public:
  explicit Rows(const KernelCall& call)
      : inputs_(call.inputs), output_(call.outputs[0]), shape_(output_.shape()) {
    if (inputs_.size() > most_inputs) throw Error("pointwise: at most 3 inputs.");
    Strides strides[most_inputs + 1];
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      strides[i] = broadcast_strides(inputs_[i].shape(), output_.shape());
    strides[inputs_.size()] = contiguous_strides(output_.shape());
    merge_axes(shape_, std::span(strides, inputs_.size() + 1));
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      strides_[i] = strides[i];
      steps_[i] = inputs_[i].count() == 1 || strides[i][last()] == 0 ? 0 : 1;
    }
  }

  /// Runs the tile on elements [begin, end) of the output.
  void run(int64_t begin, int64_t end, Tile tile) const {
    const int64_t row = shape_.back();
    while (begin < end) {
      const int64_t within = begin % row;
      const int64_t n = std::min(row - within, end - begin);
      const void* operands[most_inputs] = {};
      for (std::size_t i = 0; i < inputs_.size(); ++i)
        operands[i] = element(i, begin / row, within);
      tile(operands, steps_,
           output_.as<char>() + begin * static_cast<int64_t>(size_of(output_.dtype())), n, {});
      begin += n;
    }
  }

 private:
  std::size_t last() const { return static_cast<std::size_t>(shape_.rank() - 1); }

  const char* element(std::size_t input, int64_t row, int64_t within) const {
    const Strides& strides = strides_[input];
    int64_t offset = steps_[input] * within;
    for (int axis = shape_.rank() - 2; axis >= 0; --axis) {
      offset += row % shape_[axis] * strides[static_cast<std::size_t>(axis)];
      row /= shape_[axis];
    }
    return inputs_[input].as<const char>() +
           offset * static_cast<int64_t>(size_of(inputs_[input].dtype()));
  }

  std::span<const View> inputs_;
  View output_;
  Shape shape_;
  Strides strides_[most_inputs] = {};
  int64_t steps_[most_inputs] = {};  // along a row: 0 or 1
};

// Booleans as the bytes 0 and 1 that they are (g++ 12 fails on some AVX-512 loops over bool).
using Byte = uint8_t;
template <class T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, Byte, T>;

template <class To, class From>
To converted(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != 0;
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return to_integer<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

// A plain loop, as it is rare (and g++ 12 fails on ElementwiseTile for float to double).
template <class To, class From>
void convert_row(const From* x, int64_t stride, To* y, int64_t n) {
  if (stride == 0) {
    if (n > 0) std::fill_n(y, n, converted<To>(*x));
    return;
  }
  TEMPO_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = converted<To>(x[i]);
}
template <class To, class From>
void convert(const void* const* inputs, const int64_t* strides, void* output, int64_t n,
             const TileRows& rows) {
  for (int64_t r = 0; r < rows.count; ++r)
    convert_row(reinterpret_cast<const From*>(static_cast<const std::byte*>(inputs[0]) +
                                              r * rows.inputs[0]),
                strides[0],
                reinterpret_cast<To*>(static_cast<std::byte*>(output) + r * rows.output), n);
}

}  // namespace

void refuse_dtype(DType dtype) {
  throw ShapeError(std::string("pointwise: this function is not defined for ") + name_of(dtype) +
                   ".\n  cast(x, float32) makes it so.");
}

Kernel elementwise(TileFinder tile) {
  Kernel kernel = [tile](const KernelCall& call) {
    const DType dtype = call.inputs.back().dtype();
    const Tile run = tile(dtype, call.outputs[0].dtype());
    if (!run) refuse_dtype(dtype);
    const int64_t count = call.outputs[0].count();
    if (count == 0) return;
    const Rows rows(call);
    parallel_for(count, elements_per_task,
                 [&](int64_t begin, int64_t end) { rows.run(begin, end, run); });
  };
  kernel.tile = tile;
  return kernel;
}

namespace {

// If one condition serves a whole row, as in a mask, the row is copied.
template <class T>
struct Where {
  static constexpr auto choose = [](Byte condition, Stored<T> a, Stored<T> b) {
    return condition != 0 ? a : b;
  };
  using Each = ElementwiseTile<decltype(choose), Stored<T>, Byte, Stored<T>, Stored<T>>;

  static void tile(const void* const* inputs, const int64_t* strides, void* output, int64_t n,
                   const TileRows& rows) {
    if (strides[0] != 0 || strides[1] == 0 || strides[2] == 0 || n <= 0)
      return Each::for_instruction_set()(inputs, strides, output, n, rows);
    const auto at = [&](std::size_t i, int64_t row) {
      return static_cast<const std::byte*>(inputs[i]) + row * rows.inputs[i];
    };
    auto* y = static_cast<std::byte*>(output);
    for (int64_t r = 0; r < rows.count; ++r)
      std::memmove(y + r * rows.output, at(*at(0, r) != std::byte{0} ? 1 : 2, r),
                   static_cast<std::size_t>(n) * sizeof(Stored<T>));
  }
};

}  // namespace

Kernel where_kernel() {
  return elementwise([](DType input, DType) {
    return tile_among(Any{}, input, []<class T>(T) -> Tile { return Where<T>::tile; });
  });
}

Kernel cast_kernel() {
  return elementwise([](DType input, DType output) {
    return tile_among(Any{}, input, [output]<class From>(From) {
      return tile_among(Any{}, output, []<class To>(To) -> Tile { return convert<To, From>; });
    });
  });
}

}  // namespace tempo
