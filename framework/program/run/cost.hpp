// SPDX-License-Identifier: Apache-2.0
// The costs of a run as text, and the kernels that it runs on.
#pragma once

#include "program/executable.hpp"

namespace tempo {

/// Of each section of an optimised Program, planned and run over `time` steps: the FLOPs of a step
/// (2 m n k for a product, one for each element that is elementwise or summed), and the ops outside
/// the loop with what products run on.
std::string cost_of(const Executable& executable, int64_t time);

}  // namespace tempo
