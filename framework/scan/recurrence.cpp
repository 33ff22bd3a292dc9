#include "scan/recurrence.hpp"

#include "program/builder.hpp"
#include "program/passes/pipelines.hpp"

#include <algorithm>

namespace tempo {

StepProgramRef step_program(Program traced, std::vector<Ref<Value>> nodes) {
  const Program rewritten = run_passes(before_gradient, traced);
  if (key_of(rewritten) == key_of(traced))
    return std::make_shared<StepProgram>(std::move(traced), std::move(nodes));
  ProgramBuilder again = traced_again(rewritten);
  return std::make_shared<StepProgram>(std::move(again.program), std::move(again.nodes),
                                       std::move(traced));
}

const Executable& StepProgram::optimised() const {
  return optimised_.get([&] { return Executable(run_passes(for_scan, raw_)); });
}

StepProgramRef StepProgram::keeping(const ValueIds& values) const {
  if (values.empty()) return shared_from_this();
  return keeping_.get(values, [&] {
    Program more = raw_;
    for (ValueId v : values) more.results.push_back({ProgramResult::sequence, v});
    return std::make_shared<const StepProgram>(std::move(more), nodes_);
  });
}

const GradientProgram& StepProgram::gradient(const GradientRequest& request) const {
  return gradients_.get(request, [&] {
    const ValueIds kept = request == of_all() ? ValueIds{} : read_by_gradient();
    return differentiate(*this, request, kept);
  });
}

GradientRequest StepProgram::of_all() const {
  GradientRequest all;
  for (const ProgramResult& r : raw_.results)
    all.dy.push_back(is_floating(raw_.type(r.value).dtype));
  for (std::size_t i = 0; i < raw_.n_inputs(); ++i)
    all.wanted.push_back(is_floating(raw_.type(raw_.input(i)).dtype));
  return all;
}

const ValueIds& StepProgram::read_by_gradient() const {
  return read_by_gradient_.get([&] {
    ValueIds read;
    for (const GradientSource& s : gradient(of_all()).sources)
      if (const auto* kept = std::get_if<KeptValue>(&s)) read.push_back(kept->value);
    return read;
  });
}

}  // namespace tempo
