// SPDX-License-Identifier: Apache-2.0
// The cells that torch::nn does not have, as ops in a loop over time.
#pragma once

#include <torch/torch.h>

#include "benchmarks/cells.hpp"

namespace bench {

/// Outputs of all steps [batch, time, units] of x [batch, time, features], from a state of zeros;
/// weights in the order of `weights_of`. Throws Unsupported for a cell that is none of these.
torch::Tensor run_in_a_loop(const std::string& cell, const torch::Tensor& x,
                            const std::vector<torch::Tensor>& weights);
bool has_loop(const std::string& cell);

}  // namespace bench
