// SPDX-License-Identifier: Apache-2.0
// The reverse walk: gradients of any values with respect to any others, computed or traced.
#pragma once

#include "graph/value.hpp"

namespace tempo {

/// A value and its incoming gradient.
struct Seed {
  Tensor y;
  Tensor dy;
};

/// The gradients of the sum over all seeds of sum(y * dy), for each of `inputs`; Tensor{} for one
/// on which no seed depends. The rules are written in ops, which are recorded or traced as usual.
Tensors walk(const std::vector<Seed>& seeds, const Tensors& inputs);

/// The gradient as users ask for it: dy defaults to ones, missing gradients are zeros, and inputs
/// that cannot have a gradient are errors.
Tensors gradient_of(const Tensor& y, const Tensor& dy, const Tensors& inputs);

}  // namespace tempo
