// SPDX-License-Identifier: Apache-2.0
// Computes row by row: the maximum of the logits, the sum of powers, and the gradient from both.
#include "tensor/kernels/cross_entropy.hpp"

#include <algorithm>
#include <cmath>

#include "tensor/cpu.hpp"
#include "tensor/independent.hpp"
#include "tensor/kernels/fold.hpp"
#include "tensor/kernels/math.hpp"
#include "tensor/kernels/pointwise.hpp"
#include "tensor/parallel.hpp"

namespace tempo {
namespace {

/// The maximum of a row of n logits, and the sum of e^(x - maximum). The summands are written to
/// `powers`: all, [n], or those of the last block only, [row_block].
template <class T>
struct RowSum {
  T greatest, sum;
};
template <class T>
using SumRow = RowSum<T> (*)(const T* x, int64_t n, T* powers, bool all_powers);
template <class T>
using ScaleRow = void (*)(T* x, int64_t n, T by);

/// The two loops over a row, for each instruction set.
template <class T>
class RowLoops {
 public:
  static SumRow<T> sum() {
    return of_instruction_set<SumRow<T>>(sum_baseline, sum_avx2, sum_avx512);
  }
  static ScaleRow<T> scale() {
    return of_instruction_set<ScaleRow<T>>(scale_baseline, scale_avx2, scale_avx512);
  }

 private:
  using Row = const T*;

  TEMPO_TARGET_AVX512 TEMPO_FLATTEN static RowSum<T> sum_avx512(Row x, int64_t n, T* powers,
                                                                bool all) {
    return sum_row<MathFor<true>>(x, n, powers, all);
  }
  TEMPO_TARGET_AVX2 TEMPO_FLATTEN static RowSum<T> sum_avx2(Row x, int64_t n, T* powers, bool all) {
    return sum_row<MathFor<true>>(x, n, powers, all);
  }
  TEMPO_FLATTEN static RowSum<T> sum_baseline(Row x, int64_t n, T* powers, bool all) {
    return sum_row<MathFor<false>>(x, n, powers, all);
  }
  TEMPO_TARGET_AVX512 static void scale_avx512(T* x, int64_t n, T by) { scale_row(x, n, by); }
  TEMPO_TARGET_AVX2 static void scale_avx2(T* x, int64_t n, T by) { scale_row(x, n, by); }
  static void scale_baseline(T* x, int64_t n, T by) { scale_row(x, n, by); }

  template <class M>
  TEMPO_INLINE RowSum<T> sum_row(Row x, int64_t n, T* powers, bool all) {
    const T greatest = fold_row<Max>(x, n);
    T total = 0;
    for (int64_t begin = 0; begin < n; begin += row_block)
      total += sum_block<M>(x + begin, std::min(n - begin, row_block), greatest,
                            powers + (all ? begin : 0));
    return {greatest, total};
  }
  template <class M>
  TEMPO_INLINE T sum_block(Row x, int64_t n, T greatest, T* powers) {
    TEMPO_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) powers[i] = M::exp(x[i] - greatest);
    return fold_row<Sum>(powers, n);
  }
  TEMPO_INLINE void scale_row(T* x, int64_t n, T by) {
    TEMPO_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) x[i] *= by;
  }
};

/// Calls row(index, logits of the row, classes, label) for each row, in parallel tasks.
template <class T, class F>
void for_rows(const KernelCall& call, F row) {
  const View &logits = call.inputs[0], &labels = call.inputs[1];
  const int64_t n = logits.shape().back();
  const int64_t grain = std::max<int64_t>(1, elements_per_task / std::max<int64_t>(1, n));
  dispatch_among(Types<int32_t, int64_t>{}, labels.dtype(), [&]<class Label>(Label) {
    parallel_for(labels.count(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t label = labels.as<const Label>()[i];
        if (label < 0 || label >= n)
          throw ShapeError("cross_entropy: the label " + std::to_string(label) + " is not one of " +
                           std::to_string(n) + " classes.");
        row(i, logits.as<const T>() + i * n, n, label);
      }
    });
  });
}

}  // namespace

Kernel cross_entropy_kernel() {
  return [](const KernelCall& call) {
    dispatch_floating(call.outputs[0].dtype(), "cross_entropy", [&]<class T>(T) {
      const SumRow<T> sum = RowLoops<T>::sum();
      for_rows<T>(call, [&](int64_t i, const T* x, int64_t n, int64_t label) {
        alignas(64) T powers[row_block];
        const RowSum<T> row = sum(x, n, powers, false);
        call.outputs[0].as<T>()[i] = std::log(row.sum) + (row.greatest - x[label]);
      });
    });
  };
}

Kernel cross_entropy_slope_kernel() {
  return [](const KernelCall& call) {
    dispatch_floating(call.outputs[0].dtype(), "cross_entropy", [&]<class T>(T) {
      const SumRow<T> sum = RowLoops<T>::sum();
      const ScaleRow<T> scale = RowLoops<T>::scale();
      for_rows<T>(call, [&](int64_t i, const T* x, int64_t n, int64_t label) {
        const T weight = call.inputs[2].as<const T>()[i];
        T* const y = call.outputs[0].as<T>() + i * n;
        scale(y, n, weight / sum(x, n, y, true).sum);
        y[label] -= weight;
      });
    });
  };
}

}  // namespace tempo
