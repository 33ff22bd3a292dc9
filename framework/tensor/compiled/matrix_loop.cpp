// SPDX-License-Identifier: Apache-2.0
// Chooses how the machine code of a loop uses the registers.
#include "tensor/compiled/matrix_loop.hpp"

#include <algorithm>

#include "tensor/compiled/assembler.hpp"
#include "tensor/cpu.hpp"

namespace tempo {

namespace {

// Whether each sum is short enough to be made in one number.
bool sums_are_short(const MatrixLoop& loop) {
  return std::all_of(loop.ops.begin(), loop.ops.end(), [&](const MatrixLoop::Op& op) {
    return (!loop.folds_rows(op) || loop.cols <= MatrixLoop::longest_sum) &&
           (!loop.folds_columns(op) || loop.rows <= MatrixLoop::longest_sum);
  });
}

// Offsets of rows are parts of instructions.
bool offsets_are_short(const MatrixLoop& loop) {
  constexpr int64_t longest = 1 << 28;
  const auto fits = [](const MatrixLoop::Memory& m) {
    return m.row_stride >= 0 && m.row_stride <= longest;
  };
  return std::all_of(loop.ops.begin(), loop.ops.end(), [&](const MatrixLoop::Op& op) {
    return fits(op.out) &&
           std::all_of(op.inputs.begin(), op.inputs.end(), [&](const MatrixLoop::Operand& o) {
             const auto* memory = std::get_if<MatrixLoop::Memory>(&o);
             return !memory || fits(*memory);
           });
  });
}

}  // namespace

std::shared_ptr<const CompiledLoop> compile(const MatrixLoop& loop) {
  const InstructionSet set = instruction_set();
  const int64_t row_bytes = loop.cols * static_cast<int64_t>(size_of(loop.dtype));
  const int vector = set == InstructionSet::avx512 && row_bytes % 64 == 0 ? 64 : 32;
  if (set == InstructionSet::baseline || (loop.dtype != float32 && loop.dtype != float64) ||
      loop.rows < 1 || row_bytes < vector || row_bytes % vector != 0 || !sums_are_short(loop) ||
      !offsets_are_short(loop))
    return nullptr;
  const int registers = set == InstructionSet::avx512 ? 32 : 16;
  for (int64_t rows = MatrixLoop::rows_together; rows > 0; rows /= 2)
    for (const int numbers : {registers, registers / 2, registers / 4, 2, 0})
      if (auto code =
              loop.rows < rows ? nullptr : assemble(loop, {vector, registers, rows, numbers}))
        return code;
  return nullptr;
}

}  // namespace tempo
