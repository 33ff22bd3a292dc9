// SPDX-License-Identifier: Apache-2.0
// Whether a tensor is finite, for checks during training.
#include "training/finite.hpp"

#include "graph/value.hpp"
#include "tensor/finite.hpp"

namespace tempo {

bool is_finite(const Tensor& x) { return x.has_value() && all_finite(x.handle()->array.view()); }

}  // namespace tempo
