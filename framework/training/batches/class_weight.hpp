// SPDX-License-Identifier: Apache-2.0
// Weights of classes, as weights of samples.
#pragma once

#include "training/models/dataset.hpp"

namespace tempo {

/// [n], from class numbers, [n] or [n, 1], or one-hot labels, [n, classes]. Throws Error where y is
/// neither, or samples have weights already, or none of their classes is among the weights; where
/// these are not all samples, `found` becomes true where one is.
Tensor sample_weight_of(const std::string& who, const Dataset& samples, const ClassWeight& weights,
                        bool* found = nullptr);
/// Throws that Error.
[[noreturn]] void no_class_found(const std::string& who);

}  // namespace tempo
