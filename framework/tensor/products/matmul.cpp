// SPDX-License-Identifier: Apache-2.0
// GEMM on OpenBLAS, or on our own kernels if they are faster, cut into blocks by shape; batches of
// products.
#include "tensor/products/matmul.hpp"

#include <cblas.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "tensor/cpu.hpp"
#include "tensor/kernels/reduce.hpp"
#include "tensor/parallel.hpp"
#include "tensor/process_lock.hpp"
#include "tensor/products/packed.hpp"
#include "tensor/round_up.hpp"
#include "tensor/strides.hpp"

namespace tempo {
namespace {

// TBB owns the threads. Set when the library is loaded, before anything can call BLAS through it.
[[maybe_unused]] const bool blas_is_single_threaded = (openblas_set_num_threads(1), true);

constexpr int64_t flops_per_task = 4 << 20;
constexpr int64_t smallest_block = 128;  // must be long: each packs the other operand again
constexpr int64_t smallest_own_block = 32;
constexpr int64_t most_blocks = 16;
constexpr int64_t longest_block = 1 << 30;  // BLAS counts in 32 bits

// A product over more than `longest_sum` is summed in parts: a long sequence of float additions
// loses digits, and BLAS counts in 32 bits.
constexpr int64_t longest_sum = 1 << 16, part_of_sum = 1 << 14;
// Within a part, most kernels sum in blocks of some hundreds; but OpenBLAS's kernels for small
// products add all terms in order.
constexpr int64_t small_product = 1'000'000, longest_in_order = 1 << 10, part_in_order = 1 << 9;
constexpr int64_t summed_at_once = 1 << 20;  // elements of c

struct Product {
  bool transpose_a, transpose_b;
  int64_t m, n, k, lda, ldb, ldc;

  int64_t flops() const { return 2 * m * n * k; }
};

/// The length of one part of a long sum; 0 if the sum is not long.
template <class T>
int64_t part_of(const Product& p) {
  if (p.k > longest_sum) return part_of_sum;
  return std::is_same_v<T, float> && p.k > longest_in_order && p.m * p.n <= small_product / p.k
             ? part_in_order
             : 0;
}

/// An extent for BLAS, whose integers have 32 bits.
blasint blas_extent(int64_t extent) {
  if (!std::in_range<blasint>(extent))
    throw Error("matmul: BLAS takes no matrix with rows of " + std::to_string(extent) +
                " elements, only up to " + std::to_string(std::numeric_limits<blasint>::max()) +
                ".\n  Take products of its parts: slice(x, axis, begin, end).");
  return static_cast<blasint>(extent);
}
/// The distance between stored rows. For a single row it is irrelevant, whatever the caller gave.
blasint blas_distance(int64_t ld, int64_t rows, int64_t columns) {
  return blas_extent(rows > 1 ? ld : columns);
}

template <class T>
void call_blas(const Product& p, const T* a, const T* b, T beta, T* c) {
  const auto ta = p.transpose_a ? CblasTrans : CblasNoTrans;
  const auto tb = p.transpose_b ? CblasTrans : CblasNoTrans;
  const blasint m = blas_extent(p.m), n = blas_extent(p.n), k = blas_extent(p.k);
  const blasint lda =
      p.transpose_a ? blas_distance(p.lda, p.k, p.m) : blas_distance(p.lda, p.m, p.k);
  const blasint ldb =
      p.transpose_b ? blas_distance(p.ldb, p.n, p.k) : blas_distance(p.ldb, p.k, p.n);
  const blasint ldc = blas_distance(p.ldc, p.m, p.n);
  const InBlas inside;
  if constexpr (std::is_same_v<T, float>) {
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
  } else {
    cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
  }
}

/// c = beta c: a product over zero terms adds nothing.
template <class T>
void scale(const Product& p, T beta, T* c) {
  for (int64_t i = 0; i < p.m; ++i)
    for (int64_t j = 0; j < p.n; ++j) {
      T& value = c[i * p.ldc + j];
      value = beta == 0 ? T(0) : beta * value;
    }
}

/// Runs block(offset in a, in b, in c, m, n) for at most `most` blocks along the longer side of c.
template <class F>
void for_blocks(const Product& p, int64_t most, int64_t smallest, F block) {
  const bool by_rows = p.m >= p.n;
  const int64_t extent = by_rows ? p.m : p.n;
  const int64_t fewest = (extent - 1) / longest_block + 1;
  const int64_t blocks = std::max(fewest, std::clamp<int64_t>(p.flops() / flops_per_task, 1, most));
  const int64_t length = std::max(smallest, round_up<int64_t>((extent - 1) / blocks + 1, 32));
  parallel_for(extent, length, [&](int64_t begin, int64_t end) {
    if (by_rows)
      block(begin * (p.transpose_a ? 1 : p.lda), int64_t{0}, begin * p.ldc, end - begin, p.n);
    else
      block(int64_t{0}, begin * (p.transpose_b ? p.ldb : 1), begin, p.m, end - begin);
  });
}

// OpenBLAS 0.3.21 selects kernels by the processor's name. On a newer processor it falls back to
// those from before AVX2, at a fifth of the speed of our own kernels.
bool blas_knows_the_processor() {
  static const char* const core = openblas_get_corename();
  static const bool knows_it = std::ranges::any_of(
      std::array{"Haswell", "Zen", "Excavator", "SkylakeX", "Cooperlake", "SapphireRapids"},
      [](const char* name) { return strcasecmp(core, name) == 0; });
  return knows_it || instruction_set() == InstructionSet::baseline;
}

// Bounds where our own kernels beat OpenBLAS's for the processor (docs/performance/kernels.md):
// with AVX-512, if a has enough rows to pay for packing b, and the operand that is read repeatedly
// stays in cache.
constexpr int64_t fewest_rows = 96, fewest_rows_bt = 192;
constexpr int64_t fewest_elements = 2048, most_packed_bytes = 64 << 20;
// Bounds where they beat OpenBLAS's oldest: for few rows of a and a large b, packing does not pay.
constexpr int64_t fewest_columns = 8, fewest_rows_of_large = 4, large_elements = 512 << 10;

bool packs_b(const Product& p, std::size_t element) {
  const bool worth =
      blas_knows_the_processor()
          ? p.m >= (p.transpose_b ? fewest_rows_bt : fewest_rows) && p.k * p.n >= fewest_elements
          : p.n >= fewest_columns && (p.m >= fewest_rows_of_large || p.k * p.n < large_elements);
  return !p.transpose_a && worth && p.k * p.n * static_cast<int64_t>(element) <= most_packed_bytes;
}
bool runs_transposed(const Product& p) {
  return p.transpose_a && !p.transpose_b &&
         (blas_knows_the_processor() ? p.m >= 16 && p.n >= 64 && p.k >= fewest_rows
                                     : p.n >= fewest_columns);
}

bool is_own(const Product& p, std::size_t element) {
  return (instruction_set() == InstructionSet::avx512 || !blas_knows_the_processor()) &&
         (packs_b(p, element) || runs_transposed(p));
}

/// a b, with b packed first.
template <class T>
void multiply_packed(const Product& p, const T* a, const T* b, bool accumulate, T* c) {
  const Scratch memory(packed_bytes(sdk::dtype_for<T>(), p.k, p.n));
  const MatrixPart whole{b, p.ldb, p.transpose_b, p.k, p.n};
  const PackedMatrix packed = pack(sdk::dtype_for<T>(), p.k, p.n, {&whole, 1}, memory.as<void>());
  multiply_rows(p.m, a, p.lda, packed, c, p.ldc, accumulate);
}

template <class T>
bool multiply_own(const Product& p, const T* a, const T* b, T beta, T* c) {
  if (!is_own(p, sizeof(T)) || (beta != 0 && beta != 1)) return false;
  if (packs_b(p, sizeof(T))) {
    multiply_packed(p, a, b, beta == 1, c);
  } else {
    // The elements of a block do not depend on where it begins, so there may be one per thread.
    for_blocks(p, threads(), smallest_own_block,
               [&](int64_t a_at, int64_t b_at, int64_t c_at, int64_t m, int64_t n) {
                 multiply_transposed(sdk::dtype_for<T>(), m, n, p.k, a + a_at, p.lda, b + b_at,
                                     p.ldb, c + c_at, p.ldc, beta == 1);
               });
  }
  return true;
}

template <class T>
void multiply(const Product& p, const T* a, const T* b, T beta, T* c);

/// c = a b + beta c, in parts of the inner axis that are summed in double.
template <class T>
void multiply_parts(Product p, const T* a, const T* b, T beta, T* c) {
  const auto count = static_cast<std::size_t>(p.m * p.n);
  const Scratch totals(count * sizeof(double)), parts(count * sizeof(T));
  double* const total = totals.as<double>();
  T* const part = parts.as<T>();
  const int64_t k = p.k, at_once = part_of<T>(p), ldc = std::exchange(p.ldc, p.n);
  std::fill_n(total, count, 0.0);
  for (int64_t at = 0; at < k; at += at_once) {
    p.k = std::min(at_once, k - at);
    multiply(p, a + at * (p.transpose_a ? p.lda : 1), b + at * (p.transpose_b ? 1 : p.ldb), T(0),
             part);
    for (std::size_t i = 0; i < count; ++i) total[i] += static_cast<double>(part[i]);
  }
  for (int64_t i = 0; i < p.m; ++i)
    for (int64_t j = 0; j < p.n; ++j) {
      T& value = c[i * ldc + j];
      const double before = beta == 0 ? 0 : static_cast<double>(beta * value);
      value = static_cast<T>(before + total[i * p.n + j]);
    }
}

template <class T>
void multiply_long(Product p, const T* a, const T* b, T beta, T* c) {
  const int64_t m = p.m, rows = std::clamp<int64_t>(summed_at_once / p.n, 1, m);
  for (int64_t i = 0; i < m; i += rows) {
    p.m = std::min(rows, m - i);
    multiply_parts(p, a + i * (p.transpose_a ? 1 : p.lda), b, beta, c + i * p.ldc);
  }
}

template <class T>
void multiply(const Product& p, const T* a, const T* b, T beta, T* c) {
  if (p.m == 0 || p.n == 0) return;
  if (p.k == 0) return scale(p, beta, c);
  if (part_of<T>(p) > 0) return multiply_long(p, a, b, beta, c);
  if (multiply_own(p, a, b, beta, c)) return;
  for_blocks(p, most_blocks, smallest_block,
             [&](int64_t a_at, int64_t b_at, int64_t c_at, int64_t m, int64_t n) {
               Product part = p;
               part.m = m;
               part.n = n;
               call_blas(part, a + a_at, b + b_at, beta, c + c_at);
             });
}

template <class T>
void multiply_batches(const Product& p, const Shape& batch, const Strides& a_strides, const T* a,
                      const Strides& b_strides, const T* b, T* c) {
  const int64_t grain = std::max<int64_t>(1, flops_per_task / std::max<int64_t>(p.flops(), 1));
  parallel_for(batch.count(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t a_at = 0, b_at = 0, rest = i;
      for (int axis = batch.rank() - 1; axis >= 0; --axis) {
        const int64_t at = rest % batch[axis];
        rest /= batch[axis];
        a_at += at * a_strides[static_cast<std::size_t>(axis)];
        b_at += at * b_strides[static_cast<std::size_t>(axis)];
      }
      multiply(p, a + a_at * p.m * p.k, b + b_at * p.k * p.n, T(0), c + i * p.m * p.n);
    }
  });
}

Shape batch_of(const Shape& shape) { return Shape(shape.begin(), shape.end() - 2); }

Product product_of(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b) {
  const int64_t m = transpose_a ? a[-1] : a[-2];
  const int64_t k = transpose_a ? a[-2] : a[-1];
  const int64_t n = transpose_b ? b[-2] : b[-1];
  return {transpose_a, transpose_b, m, n, k, a[-1], b[-1], n};
}

bool is_set(const Attributes& attributes, const char* flag) {
  return attributes.integer(flag, 0) != 0;
}

Product product_of(const KernelCall& call) {
  return product_of(call.inputs[0].shape(), call.inputs[1].shape(),
                    is_set(call.attributes, "transpose_a"), is_set(call.attributes, "transpose_b"));
}

// Whether all rows of a are multiplied by the same b: then it is one product.
bool rows_meet_one(const Product& p, const Shape& b) { return b.rank() == 2 && !p.transpose_a; }

// Whether a^T b is summed over a leading axis: one product, with that axis part of the inner one.
bool sums_as_one(const Product& p, const Shape& a, const Shape& b) {
  return a.rank() == 3 && b.rank() == 3 && p.transpose_a && !p.transpose_b;
}

}  // namespace

void gemm(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
          const void* a, int64_t lda, const void* b, int64_t ldb, double beta, void* c,
          int64_t ldc) {
  dispatch_floating(dtype, "gemm", [&]<class T>(T) {
    multiply({transpose_a, transpose_b, m, n, k, lda, ldb, ldc}, static_cast<const T*>(a),
             static_cast<const T*>(b), static_cast<T>(beta), static_cast<T*>(c));
  });
}

bool runs_on_own_kernels(DType dtype, const Shape& a, const Shape& b, bool transpose_a,
                         bool transpose_b, bool summed) {
  Product p = product_of(a, b, transpose_a, transpose_b);
  if (summed && sums_as_one(p, a, b))
    p.k *= a[0];
  else if (rows_meet_one(p, b))
    p.m *= batch_of(a).count();
  return is_own(p, size_of(dtype));
}

void multiply_rows(int64_t m, const void* a, int64_t lda, const PackedMatrix& b, void* c,
                   int64_t ldc, bool accumulate) {
  constexpr int64_t rows_at_once = 28;  // rows of c, which are written while in cache
  const auto size = static_cast<int64_t>(size_of(b.dtype));
  const int64_t tasks = std::clamp<int64_t>(2 * m * b.n * b.k / flops_per_task, 1, threads());
  const int64_t grain = round_up((m - 1) / tasks + 1, rows_at_once);
  parallel_for(m, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += rows_at_once) {
      const PackedProduct product{static_cast<const char*>(a) + i * lda * size, lda, &b};
      multiply(std::min(rows_at_once, end - i), {&product, 1},
               static_cast<char*>(c) + i * ldc * size, ldc, accumulate);
    }
  });
}

std::optional<Shape> matmul_shape(const Shape& a, const Shape& b, bool transpose_a,
                                  bool transpose_b) {
  if (a.rank() < 2 || b.rank() < 2) return std::nullopt;
  const Product p = product_of(a, b, transpose_a, transpose_b);
  if (p.k != (transpose_b ? b[-1] : b[-2])) return std::nullopt;
  const Shape batches[] = {batch_of(a), batch_of(b)};
  std::optional<Shape> shape = broadcast_shapes(batches);
  if (!shape) return std::nullopt;
  shape->push_back(p.m);
  shape->push_back(p.n);
  return shape;
}

Kernel matmul_kernel() {
  return [](const KernelCall& call) {
    const View &a = call.inputs[0], &b = call.inputs[1], &c = call.outputs[0];
    Product p = product_of(call);
    Shape batch = batch_of(c.shape());
    Shape a_batch = batch_of(a.shape());
    if (rows_meet_one(p, b.shape())) {
      p.m *= batch.count();
      batch = a_batch = {};
    }
    const Strides a_strides = broadcast_strides(a_batch, batch);
    const Strides b_strides = broadcast_strides(batch_of(b.shape()), batch);
    dispatch_floating(a.dtype(), "matmul", [&]<class T>(T) {
      multiply_batches(p, batch, a_strides, a.as<const T>(), b_strides, b.as<const T>(), c.as<T>());
    });
  };
}

Kernel summed_matmul_kernel() {
  return [product = matmul_kernel()](const KernelCall& call) {
    const View &a = call.inputs[0], &b = call.inputs[1], &c = call.outputs[0];
    const Product p = product_of(call);
    if (sums_as_one(p, a.shape(), b.shape())) {
      gemm(c.dtype(), true, false, p.m, p.n, p.k * a.shape()[0], a.data, p.lda, b.data, p.ldb, 1,
           c.data, p.ldc);
      return;
    }
    Array parts(c.dtype(), c.shape().prepended(a.shape()[0]));
    const View of_all[] = {parts.view()};
    product({call.inputs, of_all, call.attributes});
    add_sum_to(parts.view(), c);
  };
}

}  // namespace tempo
