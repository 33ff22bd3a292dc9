// SPDX-License-Identifier: Apache-2.0
// Checks during training that a tensor is finite.
#include "training/finite.hpp"

#include "graph/value.hpp"
#include "tensor/finite.hpp"

namespace tempo {

bool is_finite(const Tensor& x) { return x.has_value() && all_finite(x.handle()->array.view()); }

}  // namespace tempo
