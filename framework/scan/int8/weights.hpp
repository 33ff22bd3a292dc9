// SPDX-License-Identifier: Apache-2.0
// The rounded weights that an int8 model keeps between calls.
#pragma once

#include <memory>
#include <vector>

#include "program/run/kept_products.hpp"
#include "tensor/recent.hpp"

namespace tempo {

/// The weights of a model, rounded and packed as its products read them. Safe for several threads.
class Int8Weights {
 public:
  using Kept = std::shared_ptr<const KeptProducts>;
  /// The products of `whose` with these arrays: the same object until a weight has another array.
  Kept of(const std::shared_ptr<const void>& whose, std::vector<Array> arrays);

 private:
  struct Entry {
    std::shared_ptr<const void> whose;  // both are held, so that their addresses stay unique
    std::vector<Array> arrays;
    Kept kept;
  };
  Recent<Entry> entries_{64};  // under the lock of making
};

}  // namespace tempo
