// Predicates on instructions, for passes and planner.
#pragma once

#include "program/uses.hpp"

namespace tempo {

/// Whether an instruction is a product of a matrix with a fixed one, which can be packed.
bool is_product(const Uses& uses, const Instruction& instruction);
/// Whether it folds each row into one element, which stays a column.
bool folds_rows(const Program& program, const Instruction& instruction);
/// Whether its several inputs, or results, are columns side by side in what is on the other side.
bool concatenates_columns(const Instruction& instruction);
bool splits_columns(const Instruction& instruction);
/// Whether it is best done where its operands are in the cache: not worth a place outside of the
/// loop.
bool is_light(const Program& program, const Instruction& instruction);

/// Takes those of which `which` says so out of a section, in their order.
template <class F>
std::vector<Instruction> take(std::vector<Instruction>& section, F which) {
  const auto taken = std::stable_partition(section.begin(), section.end(),
                                           [&](const Instruction& i) { return !which(i); });
  std::vector<Instruction> out(std::make_move_iterator(taken),
                               std::make_move_iterator(section.end()));
  section.erase(taken, section.end());
  return out;
}

}  // namespace tempo
