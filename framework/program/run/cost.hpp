// SPDX-License-Identifier: Apache-2.0
// The costs of a run as text, and the kernels that it runs on.
#pragma once

#include "program/executable.hpp"

namespace tempo {

/// For each section of an optimised Program that runs over `time` steps: the FLOPs of a step (2 m n
/// k for a product, one for each element of elementwise ops and sums), and the ops outside of the
/// loop with the kernels of their products.
std::string cost_of(const Executable& executable, int64_t time);

}  // namespace tempo
