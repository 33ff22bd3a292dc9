#include "scan/stream.hpp"

#include "program/builder.hpp"
#include "program/passes/pipelines.hpp"
#include "tensor/cpu.hpp"

#include <algorithm>

namespace tempo {

namespace {

thread_local StepTrace* innermost = nullptr;

}  // namespace

// --- tracing

StepTrace::StepTrace() : innermost_(innermost, this) {}

StepTrace* StepTrace::current() {
  return innermost && Trace::current() == &innermost->trace ? innermost : nullptr;
}

std::vector<Ref<Value>> StepTrace::inlined(const tempo_scan& call, PlainLoop plain_loop) {
  if (call.reverse)
    throw Error(
        "Stream: a scan runs from the last step to the first; it needs the whole sequence.");
  std::vector<tempo_tensor*> states;
  const std::size_t first = carried.size();
  for (uint32_t k = 0; k < call.n_states; ++k) {
    carried.push_back({trace.own(Ref<Value>::share(call.states[k])),
                       trace.placeholder(call.states[k]->type),
                       {}});
    states.push_back(carried.back().before.get());
  }
  tempo_scan step = call;
  step.states = states.data();
  const Scoped within(innermost, nullptr);
  const std::vector<Ref<Value>> results = plain_loop(step, 1);
  for (uint32_t k = 0; k < call.n_states; ++k)
    carried[first + k].next = trace.own(results[call.n_outputs + k]);
  return results;
}

// --- running

Stepper::Stepper(const std::function<Tensor(const Tensor&)>& f, const TensorType& x_type) {
  ProgramBuilder builder;
  {
    StepTrace traced;
    const Ref<Value> x = traced.trace.placeholder(x_type);
    const Ref<Value> y = traced.trace.own(to_value(f(to_tensor(x))));
    if (!traced.trace.keys().empty())
      throw Error("Stream: a step draws random numbers; it would have others each time.");
    for (const Trace::Capture& c : traced.trace.captures()) {
      builder.input(Standing::fixed, c.inside, c.outside->path);
      captured_.push_back(c.outside);
    }
    builder.input(Standing::sequence, x, "x");
    for (const StepTrace::Carried& c : traced.carried)
      builder.input(Standing::carried, c.before, "state");
    for (const Ref<Application>& a : traced.trace.applications()) builder.add(*a);
    for (const StepTrace::Carried& c : traced.carried) {
      builder.program.next.push_back(builder.at(*c.next));
      initial_.results.push_back({ProgramResult::last, builder.at(*c.initial)});
    }
    builder.program.results = {{ProgramResult::last, builder.at(*y)}};
  }
  settle_standings(builder.program);
  for (const ProgramResult& r : initial_.results)
    if (!builder.program.is_fixed(r.value))
      throw Error(
          "Stream: an initial state depends on the input; a state can only begin with what is "
          "known before the first step.");
  std::vector<ProgramResult> initial_results = std::move(initial_.results);
  program_ = run_passes(for_stream, run_passes(before_gradient, builder.program));
  initial_ = std::move(builder.program);
  initial_.results = std::move(initial_results);
  initial_ = run_passes(for_stream, std::move(initial_));
  plan_ = make_plan(program_);
  initial_plan_ = make_plan(initial_);

  for (const Ref<Value>& v : captured_) inputs_.push_back(v->array.view());
  inputs_.push_back({x_type, nullptr});
  for (ValueId v : program_.carried) {
    states_.emplace_back(program_.type(v));
    inputs_.push_back(states_.back().view());
    initial_states_.push_back(states_.back().view());
  }
  outputs_.push_back({result(), nullptr});
  for (std::size_t b = 0; b < plan_.blocks.size(); ++b)
    if (plan_.blocks[b].kind == Block::external && plan_.blocks[b].index == captured_.size())
      x_block_ = b;
  versions_.resize(captured_.size());
  execution_.emplace(program_, plan_, 1, inputs_, outputs_, 1);
  prepare();
  reset();
}

const TensorType& Stepper::result() const { return program_.type(program_.results[0].value); }

bool Stepper::weights_changed() const {
  for (std::size_t i = 0; i < captured_.size(); ++i)
    if (captured_[i]->version != versions_[i]) return true;
  return false;
}

void Stepper::prepare() {
  for (std::size_t i = 0; i < captured_.size(); ++i) {
    inputs_[i] = captured_[i]->array.view();
    versions_[i] = captured_[i]->version;
  }
  execution_->bind();
  execution_->prepare();
}

void Stepper::reset() {
  if (weights_changed()) prepare();
  execute(initial_, initial_plan_, 1, inputs_, initial_states_);
  shard_ = execution_->start(0);
  steps_ = 0;
}

void Stepper::run(const void* x, void* y) {
  const FlushDenormals flush;
  if (weights_changed()) {
    prepare();
    execution_->find_again(shard_);
  }
  shard_.places[x_block_] = const_cast<char*>(static_cast<const char*>(x));
  outputs_[0].data = y;
  execution_->step(shard_, steps_, true);
  ++steps_;
}

}  // namespace tempo
