// SPDX-License-Identifier: Apache-2.0
// Matrix products on BLAS or on our own kernels.
#pragma once

#include <optional>

#include "tensor/kernel.hpp"
#include "tensor/products/packed.hpp"

namespace tempo {

/// c = op(a) op(b) + beta c, row-major: op(a) is m x k, op(b) is k x n; with `transpose_` an
/// operand is stored as its transpose; ld* are distances between stored rows. Large products are
/// cut into blocks that run in parallel; the cut depends on the shape alone. float32 and float64.
void gemm(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
          const void* a, int64_t lda, const void* b, int64_t ldb, double beta, void* c,
          int64_t ldc);

/// c [m, n] = a [m, k] b for a packed b. Rows run in parallel, and have the same bits however they
/// are cut.
void multiply_rows(int64_t m, const void* a, int64_t lda, const PackedMatrix& b, void* c,
                   int64_t ldc, bool accumulate = false);

/// [..., m, k] x [..., k, n] -> [..., m, n], leading axes broadcast; nothing if they do not fit or
/// if a rank is below 2.
std::optional<Shape> matmul_shape(const Shape& a, const Shape& b, bool transpose_a = false,
                                  bool transpose_b = false);

/// Inputs a, b. Attributes `transpose_a`, `transpose_b` (0 or 1, default 0): the last two axes are
/// stored swapped.
Kernel matmul_kernel();

/// The same, summed over the first axis of a, which the output lacks, and added to the output.
Kernel summed_matmul_kernel();

/// Whether the kernel, or the summed one, runs these products on our own kernels, not OpenBLAS.
bool runs_on_own_kernels(DType dtype, const Shape& a, const Shape& b, bool transpose_a,
                         bool transpose_b, bool summed);

}  // namespace tempo
