// SPDX-License-Identifier: Apache-2.0
// The check of tempo/gradcheck.hpp, for any function of weights.
#pragma once

#include <tempo/gradcheck.hpp>

namespace tempo {

/// A weight to check, and its name in the report. Its value is changed and restored.
struct Leaf {
  std::string name;
  Tensor weight;
  bool in_time = false;  ///< its second axis is time
};

/// Adds a row with its error; an error of NaN becomes infinite.
void add_row(GradCheck& report, GradCheck::Row row);

/// Checks the gradients of f(), which reads the leaves, with respect to each leaf and to other
/// weights that it reads. Results of f that are not floating do not count.
GradCheck check_gradients(const std::function<Tensors()>& f, const std::vector<Leaf>& leaves,
                          const GradCheckOptions& options);
/// The same for a single result.
GradCheck check_gradients(const std::function<Tensor()>& f, const std::vector<Leaf>& leaves,
                          const GradCheckOptions& options);

}  // namespace tempo
