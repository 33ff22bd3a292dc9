// SPDX-License-Identifier: Apache-2.0
// The check of tempo/gradcheck.hpp, for any function of weights.
#pragma once

#include <tempo/gradcheck.hpp>

namespace tempo {

/// A weight to check, and what to call it in the report. Its value is changed and put back.
struct Leaf {
  std::string name;
  Tensor weight;
  bool in_time = false;  ///< its second axis is time
};

/// Takes in a row with its error; one that is no number is infinite.
void add_row(GradCheck& report, GradCheck::Row row);

/// Checks the gradients of f(), which reads the leaves, with respect to each of them and to other
/// weights that it reads. Results of f that are no numbers do not count.
GradCheck check_gradients(const std::function<Tensors()>& f, const std::vector<Leaf>& leaves,
                          const GradCheckOptions& options);
/// The same of one result.
GradCheck check_gradients(const std::function<Tensor()>& f, const std::vector<Leaf>& leaves,
                          const GradCheckOptions& options);

}  // namespace tempo
