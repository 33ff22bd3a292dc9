// SPDX-License-Identifier: Apache-2.0
// Classes drawn by numbers that are given.
#pragma once

#include <tempo/sequences.hpp>

namespace tempo {

/// As sample, row i by element i of `uniform`, which lies in [0, 1).
Tensor sampled(const Tensor& logits, const Tensor& uniform, const SampleOptions& options);

}  // namespace tempo
