// SPDX-License-Identifier: Apache-2.0
// Kernels that fold axes away. Sums are taken over short blocks and then over the blocks, for
// accuracy; the order depends on the shape alone.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// Attribute `axes`: list, each counted from the end (negative). `keepdims` only changes the
/// output's shape, which the shape rule has decided. Numeric dtypes. NaN wins in max and min.
Kernel sum_kernel();
Kernel max_kernel();
Kernel min_kernel();

/// Attribute `axis`, negative. int64 output: the first index of the largest element, or of a NaN.
Kernel argmax_kernel();

/// Attributes `axis` (negative), `reverse` and `exclusive` (0 or 1, default 0).
Kernel cumsum_kernel();

/// The shape after a reduction over `axes`, each in [-rank, rank).
Shape reduced_shape(const Shape& shape, const std::vector<int64_t>& axes, bool keepdims);

/// The kernel of the op sum_to.
Kernel sum_to_kernel();

/// Undoes broadcasting: `to`'s shape broadcasts to `from`'s; repeated elements are summed.
void sum_to(const View& from, const View& to);
/// The same, but added to the content of `to`.
void add_sum_to(const View& from, const View& to);

}  // namespace tempo
