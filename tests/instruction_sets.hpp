// SPDX-License-Identifier: Apache-2.0
// Repeats a test with each instruction set of this processor.
#pragma once

#include <boost/test/unit_test.hpp>

#include "tensor/cpu.hpp"

namespace tempo::testing {

/// Calls body(set) with each instruction set that this processor has.
template <class F>
void on_each_instruction_set(F body) {
  const InstructionSet before = instruction_set();
  for (InstructionSet set :
       {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (!is_supported(set)) continue;
    set_instruction_set(set);
    BOOST_TEST_CONTEXT(name_of(set)) { body(set); }
  }
  set_instruction_set(before);
}

}  // namespace tempo::testing
