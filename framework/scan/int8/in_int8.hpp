// SPDX-License-Identifier: Apache-2.0
// A scope in which a thread's products with weights run in int8.
#pragma once

#include <memory>
#include <span>

#include "graph/value.hpp"
#include "program/executable.hpp"
#include "scan/int8/weights.hpp"

namespace tempo {

/// Throws the Error for a gradient through something that ran in int8.
[[noreturn]] void no_gradient_in_int8();

/// While one exists, recurrences of this thread run their products with weights in int8, and so do
/// products with weights outside of recurrences.
class InInt8 {
 public:
  explicit InInt8(Int8Weights& weights);
  /// The innermost one on this thread, or null.
  static const InInt8* current();

  /// The packed products for runs of this executable on these inputs.
  Int8Weights::Kept products_of(const std::shared_ptr<const Executable>& runs,
                                std::span<const Ref<Value>> inputs) const;
  /// The result of an op on these inputs, if it is a product with a weight; else nothing.
  std::vector<Ref<Value>> product(const OpDefinition& op, std::span<const Ref<Value>> inputs,
                                  const Attributes& attributes) const;

 private:
  Int8Weights& weights_;
  Scoped<const InInt8*> innermost_;
};

}  // namespace tempo
