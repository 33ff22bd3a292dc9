#include "program/instruction.hpp"
#include "program/passes/passes.hpp"

#include <algorithm>
#include <set>

namespace tempo {

namespace {

// For fewer, a product of all steps reads its right side less often.
constexpr int64_t fewest_rows = 8;

std::set<int> read_outside(const Program& p) {
  std::set<int> read(p.next.begin(), p.next.end());
  for (const auto* section : {&p.before, &p.after})
    for (const Instruction& i : *section) read.insert(i.inputs.begin(), i.inputs.end());
  for (const ProgramResult& r : p.results) read.insert(r.value);
  return read;
}

}  // namespace

// Over all steps a product gains nothing on one step's rows if these are enough, and its results
// would be stored and read again; inside, x W + h U is made in registers.
Program join(Program p) {
  const std::set<int> outside = read_outside(p);
  const auto type = [&p](int v) -> const TensorType& {
    return p.values[static_cast<std::size_t>(v)].type;
  };
  std::vector<Instruction> before, loop;
  for (Instruction& i : p.before) {
    const int product = i.outputs[0];
    const bool returns = is_product(p, i) && !outside.count(product) &&
                         p.values[static_cast<std::size_t>(product)].standing != Standing::fixed &&
                         type(product).shape[0] >= fewest_rows;
    (returns ? loop : before).push_back(std::move(i));
  }
  std::move(p.loop.begin(), p.loop.end(), std::back_inserter(loop));
  p.before = std::move(before);
  p.loop = std::move(loop);
  return p;
}

}  // namespace tempo
