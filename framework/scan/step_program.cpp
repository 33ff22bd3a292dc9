#include "scan/step_program.hpp"

#include "scan/build.hpp"
#include "scan/passes.hpp"

#include <algorithm>

namespace tempo {

StepProgramRef step_program(Program traced, std::vector<Ref<Value>> nodes) {
  const Program rewritten = merge(split(traced));
  if (key_of(rewritten) == key_of(traced))
    return std::make_shared<StepProgram>(std::move(traced), std::move(nodes));
  ProgramBuilder again = traced_again(rewritten);
  return std::make_shared<StepProgram>(std::move(again.program), std::move(again.nodes),
                                       std::move(traced));
}

const Program& StepProgram::fast() const {
  const std::lock_guard lock(mutex_);
  if (!fast_) fast_ = std::make_unique<Program>(optimised(raw_));
  return *fast_;
}

const Plan& StepProgram::plan() const {
  const std::lock_guard lock(mutex_);
  if (!plan_) plan_ = std::make_unique<Plan>(make_plan(fast()));
  return *plan_;
}

StepProgramRef StepProgram::keeping(const std::vector<int>& values) const {
  if (values.empty()) return shared_from_this();
  const std::lock_guard lock(mutex_);
  StepProgramRef& kept = keeping_[values];
  if (!kept) {
    Program more = raw_;
    for (int v : values) more.results.push_back({ProgramResult::sequence, v});
    kept = std::make_shared<StepProgram>(std::move(more), nodes_);
  }
  return kept;
}

const GradientProgram& StepProgram::gradient(const GradientRequest& request) const {
  const std::lock_guard lock(mutex_);
  const auto at = gradients_.find(request);
  if (at != gradients_.end()) return at->second;
  const std::vector<int> kept = request == of_all() ? std::vector<int>{} : read_by_gradient();
  return gradients_.emplace(request, differentiate(*this, request, kept)).first->second;
}

GradientRequest StepProgram::of_all() const {
  GradientRequest all;
  for (const ProgramResult& r : raw_.results)
    all.dy.push_back(is_floating(raw_.values[static_cast<std::size_t>(r.value)].type.dtype));
  for (std::size_t i = 0; i < raw_.n_inputs(); ++i)
    all.wanted.push_back(
        is_floating(raw_.values[static_cast<std::size_t>(raw_.input(i))].type.dtype));
  return all;
}

const std::vector<int>& StepProgram::read_by_gradient() const {
  const std::lock_guard lock(mutex_);
  if (read_by_gradient_) return *read_by_gradient_;
  std::vector<int> read;
  for (const GradientSource& s : gradient(of_all()).sources)
    if (s.kind == GradientSource::kept) read.push_back(static_cast<int>(s.index));
  return read_by_gradient_.emplace(std::move(read));
}

}  // namespace tempo
