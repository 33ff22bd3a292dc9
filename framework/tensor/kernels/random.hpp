// SPDX-License-Identifier: Apache-2.0
// Random numbers as a function of (seed, stream, index): without state, so order does not matter.
#pragma once

#include <array>

#include "tensor/kernel.hpp"

namespace tempo {

/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 2011).
class Philox {
 public:
  using Numbers = std::array<uint32_t, 4>;

  Philox(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}
  /// Draw number `index` of this stream: four independent 32-bit numbers.
  Numbers operator()(uint64_t index) const;
  /// The function of the paper itself.
  static Numbers numbers(Numbers counter, std::array<uint32_t, 2> key);

 private:
  uint64_t seed_, stream_;
};

/// 0..n-1 in random order.
std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream);

/// One input, int64 [2]: seed and stream. Output floating: [0, 1), with 24 or 53 random bits.
Kernel uniform_kernel();
/// As uniform; standard normal.
Kernel normal_kernel();

}  // namespace tempo
