// SPDX-License-Identifier: Apache-2.0
// A row of a MatrixLoop goes through its columns more than once if an op reads the sum of a row.
#pragma once

#include "tensor/compiled/matrix_loop.hpp"

namespace tempo {

/// Some successive ops of a loop: first those on narrow values, then those over all columns. None
/// reads a sum that another one makes.
struct LoopPass {
  std::vector<std::size_t> narrow, wide;
};

/// The passes of a loop; together they have its ops in their order.
std::vector<LoopPass> passes_of(const MatrixLoop& loop);

/// Whether an op of a later pass reads the result of each op.
std::vector<bool> read_in_later_passes(const MatrixLoop& loop, const std::vector<LoopPass>& passes);

}  // namespace tempo
