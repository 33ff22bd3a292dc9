// SPDX-License-Identifier: Apache-2.0
// Weights of classes, as weights of samples.
#pragma once

#include "training/models/dataset.hpp"

namespace tempo {

/// Weights [n], from class numbers, [n] or [n, 1], or one-hot labels, [n, classes]. Throws Error if
/// y is neither, if samples have weights already, or if no sample has a class in `weights`. With
/// `found`, for a part of the samples, that last case is no Error; `found` becomes true if one has.
Tensor sample_weight_of(const std::string& who, const Dataset& samples, const ClassWeight& weights,
                        bool* found = nullptr);
/// Throws the Error that no sample is of a class with a weight.
[[noreturn]] void no_class_found(const std::string& who);

}  // namespace tempo
