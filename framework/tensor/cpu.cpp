// SPDX-License-Identifier: Apache-2.0
// Chooses the instruction set.
#include "tensor/cpu.hpp"

#include <atomic>
#include <string>

#include <tempo/error.hpp>

#include "tensor/environment.hpp"

namespace tempo {
namespace {

constexpr InstructionSet all_sets[] = {InstructionSet::avx512, InstructionSet::avx2,
                                       InstructionSet::baseline};

void require_support(InstructionSet set, const std::string& who) {
  if (!is_supported(set)) throw Error(who + ": this processor does not have " + name_of(set) + ".");
}

InstructionSet start_value() {
  const char* text = environment("TEMPO_INSTRUCTION_SET");
  for (InstructionSet set : all_sets) {
    if (!text && is_supported(set)) return set;
    if (!text || name_of(set) != std::string(text)) continue;
    require_support(set, "TEMPO_INSTRUCTION_SET");
    return set;
  }
  throw Error("TEMPO_INSTRUCTION_SET=" + std::string(text ? text : "") +
              ": must be baseline, avx2 or avx512.\n  Unset it to use the best there is.");
}

std::atomic<InstructionSet>& current() {
  static std::atomic<InstructionSet> set = start_value();
  return set;
}

}  // namespace

InstructionSet instruction_set() { return current().load(std::memory_order_relaxed); }

void set_instruction_set(InstructionSet set) {
  require_support(set, "set_instruction_set");
  current() = set;
}

bool is_supported([[maybe_unused]] InstructionSet set) {
#if TEMPO_X86
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == InstructionSet::avx2) return avx2;
  if (set == InstructionSet::avx512)
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
  return set == InstructionSet::baseline;
}

const char* name_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512: return "avx512";
    case InstructionSet::avx2: return "avx2";
    case InstructionSet::baseline: break;
  }
  return "baseline";
}

}  // namespace tempo
