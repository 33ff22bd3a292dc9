// SPDX-License-Identifier: Apache-2.0
// The gradient of one weight beside the slopes of the values: a row of the report.
#pragma once

#include "autograd/differences.hpp"
#include "autograd/gradcheck.hpp"

namespace tempo {

/// What is differentiated: the function's values, or, at order 2, its gradients.
struct CheckedOrder {
  int number = 1;
  const Terms& terms;
  double here = 0;  ///< the value at the weights as they are
  Rounding rounding = {};
};

GradCheck::Row check_leaf(const CheckedOrder& order, const Leaf& leaf, const Tensor& gradient,
                          const GradCheckOptions& options);

}  // namespace tempo
