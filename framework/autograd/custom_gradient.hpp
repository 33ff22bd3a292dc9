// SPDX-License-Identifier: Apache-2.0
// A value with its author's own gradient.
#pragma once

#include <functional>

#include "graph/value.hpp"

namespace tempo {

/// Returns `value` with another gradient: for an incoming dy, inputs[i] gets rule(dy)[i] (Tensor{}:
/// none), and no other value gets any. The rule must return one gradient for each input. It is
/// called once, here, with a placeholder for dy, and recorded as ops on the tensors that it reads.
Tensor custom_gradient_of(const Tensor& value, const Tensors& inputs,
                          const std::function<Tensors(const Tensor& dy)>& rule);

}  // namespace tempo
