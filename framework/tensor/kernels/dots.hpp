// SPDX-License-Identifier: Apache-2.0
// Tiles that multiply two inputs and sum the products at once: a matrix times a vector, on either
// side, and a matrix plus an outer product.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// out[r] = the sum of a[r][j] b[r][j] over the n elements of a row. Both are contiguous. All
/// functions here return null for dtypes other than float32 and float64.
Tile row_dot(DType dtype);
/// out[j] += the sum of a[r][j] b[r][j] over the rows; b may be one element for each row.
Tile column_dot(DType dtype);
/// out[j] += the sum of a[r][j] over the rows.
Tile column_sum(DType dtype);

/// out[r][j] = a[r][j] b[r][j] + c[r][j]; one of a and b may be one element for each row.
Tile product_sum(DType dtype);

}  // namespace tempo
