// SPDX-License-Identifier: Apache-2.0
// Cuts the ops of a loop into passes.
#include "tensor/compiled/passes.hpp"

#include <algorithm>

namespace tempo {

namespace {

// Whether the op reads a sum of rows that `sums` make.
bool reads(const MatrixLoop& loop, const MatrixLoop::Op& op, const std::vector<std::size_t>& made) {
  return std::any_of(op.inputs.begin(), op.inputs.end(), [&](const MatrixLoop::Operand& o) {
    const auto* result = std::get_if<MatrixLoop::Result>(&o);
    return result && loop.folds_rows(loop.ops[*result]) &&
           std::find(made.begin(), made.end(), *result) != made.end();
  });
}

}  // namespace

bool MatrixLoop::is_wide(const Operand& operand) const {
  if (const auto* memory = std::get_if<Memory>(&operand)) return memory->wide;
  const Op& op = ops[std::get<Result>(operand)];
  return op.wide && !folds_rows(op);
}

std::vector<LoopPass> passes_of(const MatrixLoop& loop) {
  std::vector<LoopPass> passes(1);
  for (std::size_t k = 0; k < loop.ops.size(); ++k) {
    const MatrixLoop::Op& op = loop.ops[k];
    const bool narrow_after_wide = !op.wide && !passes.back().wide.empty();
    if (narrow_after_wide || reads(loop, op, passes.back().wide)) passes.emplace_back();
    (op.wide ? passes.back().wide : passes.back().narrow).push_back(k);
  }
  return passes;
}

std::vector<bool> read_in_later_passes(const MatrixLoop& loop,
                                       const std::vector<LoopPass>& passes) {
  std::vector<bool> read(loop.ops.size());
  std::vector<std::size_t> pass(loop.ops.size());
  for (std::size_t n = 0; n < passes.size(); ++n)
    for (const auto* ops : {&passes[n].narrow, &passes[n].wide})
      for (std::size_t k : *ops) {
        pass[k] = n;
        for (const MatrixLoop::Operand& o : loop.ops[k].inputs)
          if (const auto* result = std::get_if<MatrixLoop::Result>(&o))
            read[*result] = read[*result] || pass[*result] < n;
      }
  return read;
}

}  // namespace tempo
