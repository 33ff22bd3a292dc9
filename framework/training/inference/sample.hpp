// SPDX-License-Identifier: Apache-2.0
// Classes drawn with given random numbers.
#pragma once

#include <tempo/sequences.hpp>

namespace tempo {

/// As sample, but row i is drawn with element i of `uniform`, which lies in [0, 1).
Tensor sampled(const Tensor& logits, const Tensor& uniform, const SampleOptions& options);

}  // namespace tempo
