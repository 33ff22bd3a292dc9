// SPDX-License-Identifier: Apache-2.0
// The check of tempo/gradcheck.hpp, for any function of weights.
#pragma once

#include <tempo/gradcheck.hpp>

namespace tempo {

/// A weight to check, and what to call it in the report. Its value is changed and put back.
struct Leaf {
  std::string name;
  Tensor weight;
};

/// Checks the gradients of f(), which reads the leaves, with respect to each of them.
GradCheck check_gradients(const std::function<Tensor()>& f, const std::vector<Leaf>& leaves,
                          const GradCheckOptions& options);

}  // namespace tempo
