// SPDX-License-Identifier: Apache-2.0
// Matrix products on BLAS.
#pragma once

#include <optional>

#include "tensor/kernel.hpp"
#include "tensor/products/packed.hpp"

namespace tempo {

/// c = op(a) op(b) + beta c, row-major: op(a) is m x k, op(b) is k x n; `transpose_` says that it
/// is stored as its transpose; ld* are the distances of stored rows. Large products are cut into
/// blocks that run in parallel; the cut depends on the shape alone. float32 and float64.
void gemm(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
          const void* a, int64_t lda, const void* b, int64_t ldb, double beta, void* c,
          int64_t ldc);

/// c [m, n] = a [m, k] b with b packed; rows run in parallel and have the same bits however they
/// are cut.
void multiply_rows(int64_t m, const void* a, int64_t lda, const PackedMatrix& b, void* c,
                   int64_t ldc, bool accumulate = false);

/// [..., m, k] x [..., k, n] -> [..., m, n], leading axes broadcast; nothing when they do not fit
/// or a rank is below 2.
std::optional<Shape> matmul_shape(const Shape& a, const Shape& b, bool transpose_a = false,
                                  bool transpose_b = false);

/// Inputs a, b. Attributes `transpose_a`, `transpose_b` (0 or 1, default 0): the last two axes are
/// stored swapped.
Kernel matmul_kernel();

/// The same, added to the output over the first axis of a, which is not an axis of the output.
Kernel summed_matmul_kernel();

/// Whether the kernel, or the summed one, runs such products on our own kernels, not on OpenBLAS.
bool runs_on_own_kernels(DType dtype, const Shape& a, const Shape& b, bool transpose_a,
                         bool transpose_b, bool summed);

}  // namespace tempo
