// SPDX-License-Identifier: Apache-2.0
// Products on our own kernels, above all the skinny product of a recurrent step: few rows times a
// matrix that is constant for many steps, and so is packed once in the layout of the kernel.
#pragma once

#include <cstddef>
#include <span>

#include <tempo/shape.hpp>

namespace tempo {

struct PackedKernelSet;
struct Int8Kernels;

/// b [k, n] packed for the instruction set in use at that time. The memory is borrowed.
struct PackedMatrix {
  DType dtype = float32;
  int64_t k = 0, n = 0;
  const void* panels = nullptr;
  const PackedKernelSet* kernels = nullptr;
  const Int8Kernels* int8 = nullptr;  // set if pack_int8 rounded it
};

/// The bytes that `pack` writes, for any instruction set.
std::size_t packed_bytes(DType dtype, int64_t k, int64_t n);

/// The source of rows [k0, k0 + k) and columns [n0, n0 + n) of a matrix: stored row-major or, with
/// `transpose`, as the transpose; ld is the distance between stored rows.
struct MatrixPart {
  const void* from;
  int64_t ld;
  bool transpose;
  int64_t k, n;
  int64_t k0 = 0, n0 = 0;
};

/// Packs b [k, n] into `memory`, 64-byte aligned, from parts that cover it. float32 and float64.
PackedMatrix pack(DType dtype, int64_t k, int64_t n, std::span<const MatrixPart> parts,
                  void* memory);

/// Columns can be cut at multiples of this. Not for an int8 matrix.
int64_t panel_columns(const PackedMatrix& b);
/// Columns [first, first + n) of b, in b's memory. `first` is a multiple of panel_columns(b), and
/// so is n, unless these are the last columns.
PackedMatrix columns_of(const PackedMatrix& b, int64_t first, int64_t n);

/// A product a b with rows of a at a distance of lda; b is borrowed. In a sum of products, either
/// all are in int8 or none is.
struct PackedProduct {
  const void* a;
  int64_t lda;
  const PackedMatrix* b;
};
/// The largest number of products that one call of `multiply` sums.
inline constexpr std::size_t most_products = 2;

/// c [m, n] = the sum of the products + bias, or c += that with `accumulate`; bias [n] may be null.
/// Runs on the calling thread without allocation. Each element is summed over k in order, product
/// after product, and then added to c, for any m: some rows alone have the same bits as in the
/// whole product. c must not overlap an a.
void multiply(int64_t m, std::span<const PackedProduct> products, void* c, int64_t ldc,
              bool accumulate, const void* bias = nullptr);

/// c [m, n] = a^T b, or c += a^T b, for unpacked a [k, m] and b [k, n]: good for long k. Runs on
/// the calling thread; the chunks of k over which each element is summed do not depend on m and n.
void multiply_transposed(DType dtype, int64_t m, int64_t n, int64_t k, const void* a, int64_t lda,
                         const void* b, int64_t ldb, void* c, int64_t ldc, bool accumulate);

}  // namespace tempo
