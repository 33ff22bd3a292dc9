#include "scan/fused.hpp"

#include "scan/build.hpp"
#include "scan/execute.hpp"
#include "scan/passes.hpp"

namespace tempo {

namespace {

// A function is a loop of one step, whose inputs are sequences.
Program traced(const Fused::Formula& f, const Tensors& like, std::size_t n_numbers) {
  ProgramBuilder builder;
  Trace trace;
  Tensors x, numbers;
  for (std::size_t i = 0; i < n_numbers; ++i)
    numbers.push_back(to_tensor(trace.placeholder({like.at(0).dtype(), {}})));
  for (const Tensor& t : like) x.push_back(to_tensor(trace.placeholder(t.handle()->type)));
  const Tensors results = f(x, numbers);
  for (const Tensor& n : numbers) builder.input(Standing::fixed, to_value(n));
  for (const Tensor& t : x) builder.input(Standing::sequence, to_value(t));
  for (const Ref<Application>& a : trace.applications()) builder.add(*a);
  for (const Tensor& t : results)
    builder.program.results.push_back({ProgramResult::sequence, builder.find(*t.handle())});
  settle_standings(builder.program);
  return hoist(without_dead(std::move(builder.program)));
}

}  // namespace

Fused::Fused(const Formula& f, const Tensors& like, std::size_t n_numbers)
    : program_(traced(f, like, n_numbers)), plan_(make_plan(program_)) {}

Tensors Fused::operator()(const Tensors& x, const std::vector<double>& numbers) const {
  std::vector<Array> scalars, results;
  std::vector<View> in, out;
  for (const double number : numbers) {
    const Array& scalar = scalars.emplace_back(x[0].handle()->type.dtype, Shape{});
    dispatch_floating(scalar.dtype(), "fused",
                      [&]<class T>(T) { *scalar.as<T>() = static_cast<T>(number); });
    in.push_back(scalar.view());
  }
  for (const Tensor& t : x) in.push_back(t.handle()->array.view());
  for (const ProgramResult& r : program_.results)
    out.push_back(
        results.emplace_back(program_.values[static_cast<std::size_t>(r.value)].type).view());
  execute(program_, plan_, 1, in, out);
  Tensors made;
  for (Array& a : results) made.push_back(to_tensor(make_value(std::move(a))));
  return made;
}

}  // namespace tempo
