// SPDX-License-Identifier: Apache-2.0
// Products in int8 of float32 rows with a matrix that stays the same: a quarter of the memory and
// less work, for a rounding of both sides.
#pragma once

#include "tensor/products/packed.hpp"

namespace tempo {

/// An integer sum over more would not fit into int32.
inline constexpr int64_t longest_int8_sum = 1 << 17;

/// Bytes that `pack_int8` writes, for any instruction set.
std::size_t packed_int8_bytes(int64_t k, int64_t n);

/// As `pack`, of a float32 matrix with at most longest_int8_sum rows: each column is its scale, the
/// largest |w| / 127, times integers of -127 to 127, rounded to the nearest.
///
/// `multiply` and `multiply_rows` then take float32 rows and round each of them in the same way, by
/// a scale of its own. The sum over k is exact; the only errors are the roundings, at most half a
/// scale for each element of either side. A row that has a NaN or an infinity is multiplied as it
/// is by the rounded weights, in float, and gives what comes of that; a column of weights with one
/// gives NaN.
PackedMatrix pack_int8(int64_t k, int64_t n, std::span<const MatrixPart> parts, void* memory);

/// What `multiply` does for such a matrix.
void multiply_int8(int64_t m, std::span<const PackedProduct> products, float* c, int64_t ldc,
                   bool accumulate, const float* bias);

}  // namespace tempo
