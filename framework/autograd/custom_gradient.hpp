// SPDX-License-Identifier: Apache-2.0
// A value with a gradient of its author's own.
#pragma once

#include <functional>

#include "graph/value.hpp"

namespace tempo {

/// `value`; where dy comes in at it, inputs[i] gets rule(dy)[i] (Tensor{}: none), of which there
/// are as many as inputs, and nothing else gets any. The rule is called here, once, with a
/// placeholder for dy, and what it does is recorded as ops on the tensors that it reads.
Tensor custom_gradient_of(const Tensor& value, const Tensors& inputs,
                          const std::function<Tensors(const Tensor& dy)>& rule);

}  // namespace tempo
