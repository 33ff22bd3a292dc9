// SPDX-License-Identifier: Apache-2.0
// Products in int8 of float32 rows with a constant matrix: a quarter of the memory and less work,
// at the price of rounding both sides.
#pragma once

#include "tensor/products/packed.hpp"

namespace tempo {

/// A longer integer sum might not fit into int32.
inline constexpr int64_t longest_int8_sum = 1 << 17;

/// The bytes that `pack_int8` writes, for any instruction set.
std::size_t packed_int8_bytes(int64_t k, int64_t n);

/// As `pack`, for a float32 matrix with at most longest_int8_sum rows: each column becomes its
/// scale, the largest |w| / 127, times integers from -127 to 127, rounded to the nearest.
///
/// `multiply` and `multiply_rows` then take float32 rows and round each row in the same way, with
/// its own scale. The sum over k is exact; the only errors are the roundings, at most half a scale
/// for each element of either side. A row with a NaN or an infinity is multiplied by the rounded
/// weights in float, and so propagates it; a column of weights with a NaN or an infinity gives
/// NaN.
PackedMatrix pack_int8(int64_t k, int64_t n, std::span<const MatrixPart> parts, void* memory);

/// The operation that `multiply` performs if the matrices were packed by pack_int8.
void multiply_int8(int64_t m, std::span<const PackedProduct> products, float* c, int64_t ldc,
                   bool accumulate, const float* bias);

}  // namespace tempo
