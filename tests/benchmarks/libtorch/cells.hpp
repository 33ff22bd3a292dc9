// SPDX-License-Identifier: Apache-2.0
// Cells that torch::nn does not have, as ops in a loop over time.
#pragma once

#include <torch/torch.h>

#include "benchmarks/cells.hpp"

namespace bench {

/// Outputs of all steps [batch, time, units] for x [batch, time, features], from the cell's
/// initial state; weights are in the order of `weights_of`. Throws Unsupported for any other
/// cell.
torch::Tensor run_in_a_loop(const std::string& cell, const torch::Tensor& x, int64_t units,
                            const std::vector<torch::Tensor>& weights);
bool has_loop(const std::string& cell);

/// A cell: the shapes of its states, which begin as zeros, and a step, which changes the state and
/// returns the output.
struct Loop {
  const char* cell;
  torch::Tensor (*step)(const torch::Tensor& x, std::vector<torch::Tensor>& state,
                        const std::vector<torch::Tensor>& weights);
  std::vector<std::vector<int64_t>> (*states)(int64_t batch, int64_t features, int64_t units);
};

/// The cells with matrix states.
extern const std::vector<Loop> matrix_loops;

}  // namespace bench
