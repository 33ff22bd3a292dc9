#include "program/passes/passes.hpp"

namespace tempo {

std::span<const Pass> passes() {
  static constexpr Pass all[] = {
      {"split", split},   {"merge", merge},       {"narrow", narrow},
      {"negate", negate}, {"hoist", hoist},       {"sink", sink},
      {"join", join},     {"schedule", schedule}, {"own parts", own_parts}};
  return all;
}

Program optimised(Program program) {
  for (const Pass& pass : passes()) program = pass.apply(std::move(program));
  return program;
}

}  // namespace tempo
