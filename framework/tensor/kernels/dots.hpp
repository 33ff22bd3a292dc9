// SPDX-License-Identifier: Apache-2.0
// Tiles that make products of two inputs and sum them at once: a matrix times a vector, on either
// side, and a matrix and an outer product.
#pragma once

#include "tensor/kernel.hpp"

namespace tempo {

/// out[r] = the sum of a[r][j] b[r][j] over the n of a row. Both are contiguous. As all of these:
/// float32 or float64, else null.
Tile row_dot(DType dtype);
/// out[j] += the sum of a[r][j] b[r][j] over the rows; b may be one element for each row.
Tile column_dot(DType dtype);
/// out[j] += the sum of a[r][j] over the rows.
Tile column_sum(DType dtype);

/// out[r][j] = a[r][j] b[r][j] + c[r][j]; one of a and b may be one element for each row.
Tile product_sum(DType dtype);

}  // namespace tempo
