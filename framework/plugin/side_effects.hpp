// SPDX-License-Identifier: Apache-2.0
// The side effects of calls of layers: losses that they add, weights that they assign to.
#pragma once

#include "graph/value.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// While one lives, it sees what is done on this thread; of several, the innermost.
class SideEffects {
 public:
  SideEffects();
  static SideEffects* current();

  /// Throws Error where it belongs to a step that is traced since this one lives.
  void add_loss(const Tensor& loss);
  /// The sum of the losses that were added; Tensor{} for none.
  const Tensor& losses() const { return losses_; }

  /// A weight is about to be given another value.
  void is_assigned(Value& weight);
  /// Gives the weights that were assigned to the values of before.
  void take_back();
  /// What was assigned stays.
  void settle() { assigned_.clear(); }

 private:
  struct Assigned {
    Ref<Value> weight;
    Array before;
  };
  uint64_t trace_;  // in which it lives; 0: none
  Tensor losses_;
  std::vector<Assigned> assigned_;
  Scoped<SideEffects*> innermost_;
};

}  // namespace tempo
