// SPDX-License-Identifier: Apache-2.0
// Products on our own kernels. First of all the skinny one of a recurrent step: few rows times a
// matrix that stays the same for many steps and is therefore laid out once as the kernel reads it.
#pragma once

#include <cstddef>
#include <span>

#include <tempo/shape.hpp>

namespace tempo {

struct PackedKernelSet;
struct Int8Kernels;

/// b [k, n] in the layout of the instruction set in use when it was packed. The memory is borrowed.
struct PackedMatrix {
  DType dtype = float32;
  int64_t k = 0, n = 0;
  const void* panels = nullptr;
  const PackedKernelSet* kernels = nullptr;
  const Int8Kernels* int8 = nullptr;  // it was rounded: pack_int8
};

/// Bytes that `pack` writes, for any instruction set.
std::size_t packed_bytes(DType dtype, int64_t k, int64_t n);

/// Where rows [k0, k0 + k) and columns [n0, n0 + n) of a matrix come from: stored row-major, or
/// with `transpose` as their transpose; ld is the distance of stored rows.
struct MatrixPart {
  const void* from;
  int64_t ld;
  bool transpose;
  int64_t k, n;
  int64_t k0 = 0, n0 = 0;
};

/// Lays b [k, n] out in `memory`, 64-byte aligned, of parts that cover it. float32 and float64.
PackedMatrix pack(DType dtype, int64_t k, int64_t n, std::span<const MatrixPart> parts,
                  void* memory);

/// Columns can be cut at multiples of this. Not of one in int8.
int64_t panel_columns(const PackedMatrix& b);
/// Columns [first, first + n) of b, which has the memory; first is a multiple of panel_columns(b),
/// and so is n, or these are the last ones.
PackedMatrix columns_of(const PackedMatrix& b, int64_t first, int64_t n);

/// A product a b with rows of a at a distance of lda; b is borrowed. Of several that are added up,
/// all are in int8 or none.
struct PackedProduct {
  const void* a;
  int64_t lda;
  const PackedMatrix* b;
};
/// The most products that one call of `multiply` adds up.
inline constexpr std::size_t most_products = 2;

/// c [m, n] = the sum of the products + bias, or c += that with `accumulate`; bias [n] may be null.
/// On the calling thread and without allocation. Each element is the sum over k in order, product
/// after product, then added to c, whatever m is: products of some of the rows have the same bits
/// as one of all. c must not overlap an a.
void multiply(int64_t m, std::span<const PackedProduct> products, void* c, int64_t ldc,
              bool accumulate, const void* bias = nullptr);

/// c [m, n] = at b, or c += at b, for a [k, m] and b [k, n] as they are: good where k is long. On
/// the calling thread, each element summed over chunks of k that m and n have no part in.
void multiply_transposed(DType dtype, int64_t m, int64_t n, int64_t k, const void* a, int64_t lda,
                         const void* b, int64_t ldb, void* c, int64_t ldc, bool accumulate);

}  // namespace tempo
