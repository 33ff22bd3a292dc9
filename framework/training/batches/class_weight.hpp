// SPDX-License-Identifier: Apache-2.0
// Weights of classes, as weights of samples.
#pragma once

#include "training/models/dataset.hpp"

namespace tempo {

/// Weights [n], from class numbers, [n] or [n, 1], or one-hot labels, [n, classes]. Throws Error if
/// y is neither, if samples have weights already, or, without `found`, if no sample has a class in
/// `weights`. For a part of the samples, give `found`: it becomes true if one has such a class.
Tensor sample_weight_of(const std::string& who, const Dataset& samples, const ClassWeight& weights,
                        bool* found = nullptr);
/// Throws the Error that no sample is of a class with a weight.
[[noreturn]] void no_class_found(const std::string& who);

}  // namespace tempo
