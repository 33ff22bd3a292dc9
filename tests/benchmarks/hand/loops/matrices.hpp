// SPDX-License-Identifier: Apache-2.0
// A head's matrix goes through all steps of its sequence in the first cache. For the gradient,
// every 16th matrix is kept, and those in between are computed again on the way back.
#pragma once

#include <cstdint>

namespace bench {

inline constexpr int64_t segment = 16;
inline int64_t segments_of(int64_t time) { return (time + segment - 1) / segment; }

/// Sizes of loops over the steps of one (sequence, head); `pair` is sequence * heads + head.
struct Heads {
  int64_t time, heads, width;

  int64_t units() const { return heads * width; }
  /// The first step of the sequence, counted over all sequences.
  int64_t first(int64_t pair) const { return pair / heads * time; }
  int64_t head(int64_t pair) const { return pair % heads; }
};

}  // namespace bench
