// SPDX-License-Identifier: Apache-2.0
// Ops of a thread whose products with weights run in int8.
#pragma once

#include <memory>
#include <span>

#include "graph/value.hpp"
#include "program/executable.hpp"
#include "scan/int8/weights.hpp"

namespace tempo {

/// The Error of whoever asks for a gradient of what ran in int8.
[[noreturn]] void no_gradient_in_int8();

/// While one lives, recurrences of this thread run with their products in int8, and so do products
/// with a weight that are applied by themselves.
class InInt8 {
 public:
  explicit InInt8(Int8Weights& weights);
  /// The innermost of this thread, or null.
  static const InInt8* current();

  /// The packed products for runs of this executable on these inputs.
  Int8Weights::Kept products_of(const std::shared_ptr<const Executable>& runs,
                                std::span<const Ref<Value>> inputs) const;
  /// The product of an op that is to be applied to these, if it is one with a weight; else none.
  std::vector<Ref<Value>> product(const OpDefinition& op, std::span<const Ref<Value>> inputs,
                                  const Attributes& attributes) const;

 private:
  Int8Weights& weights_;
  Scoped<const InInt8*> innermost_;
};

}  // namespace tempo
