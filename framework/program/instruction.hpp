// What an instruction can be done as.
#pragma once

#include "program/program.hpp"

namespace tempo {

/// Whether an instruction is a product of a matrix with a fixed one, which can be packed.
bool is_product(const Program& program, const Instruction& instruction);
/// Whether it folds each row into one element, which stays a column.
bool folds_rows(const Program& program, const Instruction& instruction);
/// Whether its several inputs, or results, are columns side by side in what is on the other side.
bool concatenates_columns(const Instruction& instruction);
bool splits_columns(const Instruction& instruction);
/// Whether it is best done where its operands are in the cache: not worth a place outside of the
/// loop.
bool is_light(const Program& program, const Instruction& instruction);

}  // namespace tempo
