// SPDX-License-Identifier: Apache-2.0
// The side effects of calls of layers: losses that they add, and weights that they assign.
#pragma once

#include "graph/value.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// While one exists, it records the side effects on this thread; the innermost one does.
class SideEffects {
 public:
  SideEffects();
  static SideEffects* current();

  /// Throws Error for a loss of a step whose trace began after this object was made.
  void add_loss(const Tensor& loss);
  /// The sum of the added losses; Tensor{} if there are none.
  const Tensor& losses() const { return losses_; }

  /// To be called before a weight is assigned another value.
  void is_assigned(Value& weight);
  /// Gives the assigned weights their earlier values back.
  void take_back();
  /// Accepts the assigned values.
  void settle() { assigned_.clear(); }

 private:
  struct Assigned {
    Ref<Value> weight;
    Array before;
  };
  uint64_t trace_;  // the trace it was made in; 0: none
  Tensor losses_;
  std::vector<Assigned> assigned_;
  Scoped<SideEffects*> innermost_;
};

}  // namespace tempo
