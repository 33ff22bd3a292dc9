#include "scan/fused.hpp"

#include "scan/build.hpp"
#include "scan/execute.hpp"
#include "scan/passes.hpp"

#include <algorithm>

namespace tempo {

namespace {

// A function is a loop of one step, whose inputs are sequences.
Program traced(const Fused::Formula& f, const std::vector<TensorType>& types,
               std::size_t n_numbers) {
  ProgramBuilder builder;
  Trace trace;
  Tensors x, numbers;
  for (std::size_t i = 0; i < n_numbers; ++i)
    numbers.push_back(to_tensor(trace.placeholder({types.at(0).dtype, {}})));
  for (const TensorType& type : types) x.push_back(to_tensor(trace.placeholder(type)));
  const Tensors results = f(x, numbers);
  for (const Tensor& n : numbers) builder.input(Standing::fixed, to_value(n));
  for (const Tensor& t : x) builder.input(Standing::sequence, to_value(t));
  for (const Ref<Application>& a : trace.applications()) builder.add(*a);
  for (const Tensor& t : results)
    builder.program.results.push_back({ProgramResult::sequence, builder.find(*t.handle())});
  settle_standings(builder.program);
  return hoist(without_dead(std::move(builder.program)));
}

// The input or result that is a region of the caller's memory; -1: it is not.
int external(const Plan& plan, const Region& region) {
  const Block& block = plan.blocks[static_cast<std::size_t>(region.block)];
  return block.kind == Block::external ? block.index : -1;
}

// Whether a result may lie where the input is that it is the next value of: in one loop over tiles,
// with nothing that reads the input after the result was written.
bool runs_in_place(const Program& p, const Plan& plan) {
  if (plan.steps.size() != 1 || plan.steps[0].kind != PlanStep::tiles ||
      p.results.size() > p.sequences.size())
    return false;
  const auto n_inputs = static_cast<int>(p.n_inputs()), first = static_cast<int>(p.fixed.size());
  std::vector<bool> written(p.n_inputs(), false);
  std::size_t writes = 0;
  for (const TileOp& op : plan.steps[0].as_tiles.ops) {
    for (int i = 0; i < op.n_inputs; ++i) {
      const int input = external(plan, op.inputs[i]);
      if (input >= 0 && input < n_inputs && written[static_cast<std::size_t>(input)]) return false;
    }
    const int result = external(plan, op.out) - n_inputs;
    if (result < 0) continue;
    written[static_cast<std::size_t>(first + result)] = true;
    ++writes;
  }
  return writes == p.results.size();
}

}  // namespace

Fused::Fused(const Formula& f, const std::vector<TensorType>& types, std::size_t n_numbers)
    : program_(traced(f, types, n_numbers)),
      plan_(make_plan(program_)),
      in_place_(runs_in_place(program_, plan_)) {}

void Fused::operator()(std::span<Array* const> x, std::span<const double> numbers) const {
  std::vector<View> in, out;
  in.reserve(numbers.size() + x.size());
  out.reserve(program_.results.size());
  std::vector<std::byte> scalars(numbers.size() * 8);  // room for any dtype
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    in.push_back({{x[0]->dtype(), {}}, &scalars[8 * i]});
    dispatch_floating(x[0]->dtype(), "fused",
                      [&]<class T>(T) { *in[i].as<T>() = static_cast<T>(numbers[i]); });
  }
  for (const Array* a : x) in.push_back(a->view());
  std::vector<std::pair<Array*, Array>> replaced;
  for (std::size_t k = 0; k < program_.results.size(); ++k) {
    if (in_place_ && x[k]->sole_owner()) {
      out.push_back(x[k]->view());
    } else {
      replaced.emplace_back(x[k], Array(x[k]->type()));
      out.push_back(replaced.back().second.view());
    }
  }
  execute(program_, plan_, 1, in, out);
  for (auto& [array, next] : replaced) *array = std::move(next);
}

}  // namespace tempo
