#include "program/instruction.hpp"
#include "program/passes/passes.hpp"

namespace tempo {

namespace {

// For fewer, a product of all steps reads its right side less often.
constexpr int64_t fewest_rows = 8;

}  // namespace

// Over all steps a product gains nothing on one step's rows if these are enough, and its results
// would be stored and read again; inside, x W + h U is made in registers.
Program join(Program p) {
  const Uses uses(p);
  std::vector<Instruction> loop = take(p.before, [&](const Instruction& i) {
    const ValueId product = i.outputs[0];
    return is_product(uses, i) && uses.only_inside(product) && !p.is_fixed(product) &&
           p.shape(product)[0] >= fewest_rows;
  });
  std::move(p.loop.begin(), p.loop.end(), std::back_inserter(loop));
  p.loop = std::move(loop);
  return p;
}

}  // namespace tempo
