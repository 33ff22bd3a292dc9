// SPDX-License-Identifier: Apache-2.0
// The reverse walk: gradients of any values with respect to any others, computed or traced.
#pragma once

#include "graph/value.hpp"

namespace tempo {

/// A value and the gradient that comes in at it.
struct Seed {
  Tensor y;
  Tensor dy;
};

/// The gradients of sum over the seeds of sum(y * dy), for each of `inputs`; Tensor{} for one that
/// no seed depends on. The results' rules are ops, so they are recorded or traced as any others.
Tensors walk(const std::vector<Seed>& seeds, const Tensors& inputs);

/// As a user asks for it: dy defaults to ones, missing gradients are zeros, and inputs that cannot
/// have one are errors.
Tensors gradient_of(const Tensor& y, const Tensor& dy, const Tensors& inputs);

}  // namespace tempo
