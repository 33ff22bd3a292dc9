// SPDX-License-Identifier: Apache-2.0
// Sum, maximum and minimum over axes: one group of axes after the other, each as [outer, n, inner].
#include "tensor/kernels/reduce.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "tensor/cpu.hpp"
#include "tensor/independent.hpp"
#include "tensor/kernels/fold.hpp"
#include "tensor/parallel.hpp"
#include "tensor/strides.hpp"

namespace tempo {
namespace {

constexpr int64_t column_block = 32;   // rows folded into one row of results; see row_block
constexpr int64_t column_tile = 1024;  // columns of that row, which stay in L1

template <class Op, class T>
void fold_columns(const T* x, int64_t rows, int64_t stride, int64_t columns, T* y) {
  const Op op;
  std::copy_n(x, columns, y);
  for (int64_t i = 1; i < rows; ++i) {
    const T* row = x + i * stride;
    TEMPO_INDEPENDENT
    for (int64_t j = 0; j < columns; ++j) y[j] = op(y[j], row[j]);
  }
}

/// Folds x [outer, n, inner] to y [outer, blocks, inner], in blocks of the axis n.
template <class Op, class T>
void fold_blocks(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t block, T* y) {
  const int64_t blocks = (n - 1) / block + 1;
  const int64_t tiles = (inner - 1) / column_tile + 1;
  const int64_t work = std::min(n, block) * std::min(inner, column_tile);
  parallel_for(outer * blocks * tiles, std::max<int64_t>(1, elements_per_task / work),
               [=](int64_t begin, int64_t end) {
                 for (int64_t item = begin; item < end; ++item) {
                   const int64_t first_column = item % tiles * column_tile;
                   const int64_t result = item / tiles;  // of outer * blocks
                   const int64_t first_row = result % blocks * block;
                   const int64_t rows = std::min(block, n - first_row);
                   const T* from = x + (result / blocks * n + first_row) * inner + first_column;
                   T* to = y + result * inner + first_column;
                   if (inner == 1) {
                     *to = fold_row<Op>(from, rows);
                   } else {
                     fold_columns<Op>(from, rows, inner,
                                      std::min(column_tile, inner - first_column), to);
                   }
                 }
               });
}

/// Folds x [outer, n, inner] to y [outer, inner].
template <class Op, class T>
void fold_axis(const T* x, int64_t outer, int64_t n, int64_t inner, T* y) {
  const int64_t block = inner == 1 ? row_block : column_block;
  if (n <= block) return fold_blocks<Op>(x, outer, n, inner, block, y);
  const int64_t blocks = (n - 1) / block + 1;
  const Scratch memory(static_cast<std::size_t>(outer * blocks * inner) * sizeof(T));
  T* const partial = memory.as<T>();
  fold_blocks<Op>(x, outer, n, inner, block, partial);
  fold_axis<Op>(partial, outer, blocks, inner, y);
}

using Marks = std::array<bool, Shape::max_rank>;  // of axes

/// Folds the marked axes of a nonempty array, beginning with the innermost group.
template <class Op, class T>
void fold_axes(const T* x, Shape shape, Marks folded, T* y) {
  std::optional<Scratch> memory[2];  // two that alternate: the last result and the one before it
  int turn = 0;

  while (true) {
    int last = shape.rank() - 1;
    while (last >= 0 && !folded[static_cast<std::size_t>(last)]) --last;
    int first = last;
    while (first > 0 && folded[static_cast<std::size_t>(first - 1)]) --first;
    if (last < 0) {
      std::copy_n(x, shape.count(), y);
      return;
    }
    const int64_t outer = Shape(shape.begin(), shape.begin() + first).count();
    const int64_t n = Shape(shape.begin() + first, shape.begin() + last + 1).count();
    const int64_t inner = Shape(shape.begin() + last + 1, shape.end()).count();
    std::fill(folded.begin() + first, folded.begin() + last + 1, false);
    std::fill(shape.begin() + first, shape.begin() + last + 1, 1);
    if (std::find(folded.begin(), folded.end(), true) == folded.end())
      return fold_axis<Op>(x, outer, n, inner, y);
    T* const next =
        memory[turn].emplace(static_cast<std::size_t>(outer * inner) * sizeof(T)).as<T>();
    fold_axis<Op>(x, outer, n, inner, next);
    x = next;
    turn = 1 - turn;
  }
}

template <class F>
void dispatch_numeric(DType dtype, const char* who, F f) {
  if (dtype == bool_)
    throw ShapeError(std::string(who) + ": not defined for bool.\n  cast(x, int64) makes it so.");
  dispatch(dtype, [&]<class T>(T) {
    if constexpr (!std::is_same_v<T, bool>) f(T{});
  });
}

template <class Op>
void reduce(const View& from, const Marks& folded, const View& to) {
  dispatch_numeric(from.dtype(), Op::name, [&]<class T>(T) {
    if (from.count() > 0)
      return fold_axes<Op>(from.as<const T>(), from.shape(), folded, to.as<T>());
    if (to.count() > 0 && !Op::has_empty)
      throw ShapeError(std::string(Op::name) + ": x " + to_string(from.type) +
                       " has no elements along an axis; there is no " + Op::name + " of nothing.");
    std::fill_n(to.as<T>(), to.count(), Op::template start<T>());
  });
}

Marks marked(const std::vector<int64_t>& axes, int rank) {
  Marks marks{};
  for (int64_t axis : axes)
    marks.at(static_cast<std::size_t>(axis < 0 ? axis + rank : axis)) = true;
  return marks;
}

/// Folds a row block by block on every instruction set, so that the order is the same.
template <class Op, class T>
class RowFold {
 public:
  static Tile for_instruction_set() { return of_instruction_set<Tile>(baseline, avx2, avx512); }

 private:
  TEMPO_TARGET_AVX512 __attribute__((flatten)) static void avx512(const void* const* in,
                                                                  const int64_t*, void* out,
                                                                  int64_t n, const TileRows& rows) {
    run_rows(in[0], out, n, rows);
  }
  TEMPO_TARGET_AVX2 __attribute__((flatten)) static void avx2(const void* const* in, const int64_t*,
                                                              void* out, int64_t n,
                                                              const TileRows& rows) {
    run_rows(in[0], out, n, rows);
  }
  static void baseline(const void* const* in, const int64_t*, void* out, int64_t n,
                       const TileRows& rows) {
    run_rows(in[0], out, n, rows);
  }
  [[gnu::always_inline]] static void run_rows(const void* x, void* y, int64_t n,
                                              const TileRows& rows) {
    for (int64_t r = 0; r < rows.count; ++r)
      run(reinterpret_cast<const T*>(static_cast<const std::byte*>(x) + r * rows.inputs[0]),
          reinterpret_cast<T*>(static_cast<std::byte*>(y) + r * rows.output), n);
  }
  [[gnu::always_inline]] static void run(const T* x, T* y, int64_t n) {
    Total<Op, T> total = fold_row<Op>(x, std::min(n, row_block));
    for (int64_t i = row_block; i < n; i += row_block)
      total = Op{}(total, Total<Op, T>(fold_row<Op>(x + i, std::min(n - i, row_block))));
    *y = static_cast<T>(total);
  }
};

template <class Op>
Tile fold_of(DType dtype) {
  if (dtype == float32) return RowFold<Op, float>::for_instruction_set();
  if (dtype == float64) return RowFold<Op, double>::for_instruction_set();
  return nullptr;
}

template <class Op>
Kernel reduction() {
  Kernel kernel = [](const KernelCall& call) {
    const View& x = call.inputs[0];
    reduce<Op>(x, marked(call.attributes.list("axes"), x.shape().rank()), call.outputs[0]);
  };
  kernel.fold = fold_of<Op>;
  return kernel;
}

}  // namespace

Kernel sum_to_kernel() {
  Kernel kernel = [](const KernelCall& call) { sum_to(call.inputs[0], call.outputs[0]); };
  kernel.fold = fold_of<Sum>;
  return kernel;
}
Kernel sum_kernel() { return reduction<Sum>(); }
Kernel max_kernel() { return reduction<Max>(); }
Kernel min_kernel() { return reduction<Min>(); }

Shape reduced_shape(const Shape& shape, const std::vector<int64_t>& axes, bool keepdims) {
  const Marks folded = marked(axes, shape.rank());
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!folded[static_cast<std::size_t>(axis)]) {
      result.push_back(shape[axis]);
    } else if (keepdims) {
      result.push_back(1);
    }
  }
  return result;
}

void sum_to(const View& from, const View& to) {
  const int extra = from.shape().rank() - to.shape().rank();
  Marks folded{};
  for (int axis = 0; axis < from.shape().rank(); ++axis)
    folded[static_cast<std::size_t>(axis)] =
        axis < extra || (to.shape()[axis - extra] == 1 && from.shape()[axis] != 1);
  reduce<Sum>(from, folded, to);
}

void add_sum_to(const View& from, const View& to) {
  const Scratch memory(to.type.bytes());
  const View sum{to.type, memory.as<void>()};
  sum_to(from, sum);
  dispatch_floating(to.dtype(), "sum_to", [&]<class T>(T) {
    const T* part = sum.as<T>();
    T* total = to.as<T>();
    for (int64_t i = 0; i < to.count(); ++i) total[i] += part[i];
  });
}

}  // namespace tempo
