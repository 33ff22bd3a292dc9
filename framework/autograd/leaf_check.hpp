// SPDX-License-Identifier: Apache-2.0
// Compares the gradient of one weight with slopes of the values: a row of the report.
#pragma once

#include "autograd/differences.hpp"
#include "autograd/gradcheck.hpp"

namespace tempo {

/// The function that is differentiated: the values or, at order 2, the gradients.
struct CheckedOrder {
  int number = 1;
  const Terms& terms;
  double here = 0;  ///< the value at the present weights
  Rounding rounding = {};
};

GradCheck::Row check_leaf(const CheckedOrder& order, const Leaf& leaf, const Tensor& gradient,
                          const GradCheckOptions& options);

}  // namespace tempo
