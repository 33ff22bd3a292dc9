#include "scan/passes.hpp"

#include <algorithm>

namespace tempo {

// T small input projections become one large matmul.
Program hoist(Program p) {
  std::vector<bool> from_state(p.values.size(), false);
  for (int v : p.carried) from_state[static_cast<std::size_t>(v)] = true;
  std::vector<Instruction> stay;
  for (Instruction& i : p.loop) {
    const bool reads_state = std::any_of(i.inputs.begin(), i.inputs.end(),
                                         [&](int v) { return from_state[static_cast<std::size_t>(v)]; });
    for (int v : i.outputs) from_state[static_cast<std::size_t>(v)] = reads_state;
    (reads_state ? stay : p.before).push_back(std::move(i));
  }
  p.loop = std::move(stay);
  return p;
}

Program optimised(Program program) { return sink(hoist(std::move(program))); }

}  // namespace tempo
