// SPDX-License-Identifier: Apache-2.0
// What may find a mutant: gradcheck on its own, and the comparisons of the other tests.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tempo::mutation {

/// One case. It throws, or gives false, where something is wrong.
struct Part {
  std::string name;  ///< "op tanh", "layer LSTM"
  std::function<bool()> holds;
  /// It may see that its lines are watched, or need other parts to run before; left out if so.
  bool may_notice = false;
};

/// gradcheck of every op, of layers and of random recurrences.
std::vector<Part> gradchecks();
/// Numbers of other frameworks; random recurrences beside their plain loop; and linked_tests.
std::vector<Part> comparisons();
/// The cases of other test programs.
std::vector<Part> linked_tests();

}  // namespace tempo::mutation
