// SPDX-License-Identifier: Apache-2.0
// Takes instructions out of a section, and puts instructions into one.
#pragma once

#include "program/program.hpp"

namespace tempo {

/// Takes the instructions for which `which` holds out of a section; the order is kept.
template <class F>
std::vector<Instruction> take(std::vector<Instruction>& section, F which) {
  const auto taken = std::stable_partition(section.begin(), section.end(),
                                           [&](const Instruction& i) { return !which(i); });
  std::vector<Instruction> out(std::make_move_iterator(taken),
                               std::make_move_iterator(section.end()));
  section.erase(taken, section.end());
  return out;
}

/// Puts instructions at the start of a section.
inline void put_first(std::vector<Instruction>& section, std::vector<Instruction> first) {
  std::move(section.begin(), section.end(), std::back_inserter(first));
  section = std::move(first);
}

}  // namespace tempo
