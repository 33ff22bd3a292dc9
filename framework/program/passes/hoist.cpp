#include "program/instruction.hpp"
#include "program/passes/passes.hpp"

#include <algorithm>

namespace tempo {

namespace {

bool any_of(const std::vector<int>& values, const std::vector<bool>& which) {
  return std::any_of(values.begin(), values.end(),
                     [&](int v) { return which[static_cast<std::size_t>(v)]; });
}

}  // namespace

// T small input projections become one large matmul. What is elementwise stays, unless something
// that moves needs it: over all steps it would read from memory what is in the cache inside the
// loop.
Program hoist(Program p) {
  const std::size_t n = p.values.size();
  const auto is_fixed = [&p](const Instruction& i) {
    return p.values[static_cast<std::size_t>(i.outputs[0])].standing == Standing::fixed;
  };
  std::vector<bool> bound(n, false), needed(n, false);  // to the loop: it reads the state, or loops
  for (int v : p.carried) bound[static_cast<std::size_t>(v)] = true;
  for (const Instruction& i : p.loop)
    for (int v : i.outputs)
      bound[static_cast<std::size_t>(v)] = any_of(i.inputs, bound) || (i.op->loops && !is_fixed(i));
  std::vector<Instruction> stay;
  for (std::size_t k = p.loop.size(); k-- > 0;) {
    Instruction& i = p.loop[k];
    const bool worth = is_fixed(i) || !is_light(p, i) || any_of(i.outputs, needed);
    const bool moves = worth && !any_of(i.outputs, bound);
    if (moves)
      for (int v : i.inputs) needed[static_cast<std::size_t>(v)] = true;
    (moves ? p.before : stay).push_back(std::move(i));
  }
  std::reverse(p.before.begin(), p.before.end());
  std::reverse(stay.begin(), stay.end());
  p.loop = std::move(stay);
  return p;
}

}  // namespace tempo
