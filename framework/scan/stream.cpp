#include "scan/stream.hpp"

#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/instruction.hpp"
#include "program/passes/passes.hpp"
#include "tensor/cpu.hpp"

#include <algorithm>

namespace tempo {

namespace {

thread_local StepTrace* innermost = nullptr;

// --- ops that only rename

// Whether the result has the elements of the first input in their order.
bool keeps_bytes(const Program& p, const Instruction& i) {
  if (i.inputs.empty() || i.outputs.size() != 1) return false;
  const TensorType &from = p.type(i.inputs[0]), &to = p.type(i.outputs[0]);
  if (from.shape.count() != to.shape.count() || from.dtype != to.dtype) return false;
  if (!i.op->kernel || i.is(slice_op)) return true;
  if (i.is(concat_op)) return i.inputs.size() == 1;
  if (!i.is(transpose_op)) return false;
  std::vector<int64_t> moved;  // the axes that are more than one element, as they come
  for (int64_t axis : i.attributes.list("permutation"))
    if (from.shape[static_cast<int>(axis)] != 1) moved.push_back(axis);
  return std::is_sorted(moved.begin(), moved.end());
}

// Whoever reads a value under another name reads the value. What must have another shape gets it by
// reshape.
Program without_renames(Program p) {
  ValueTable<ValueIds> names(p);                   // of the same bytes as a first one
  ValueTable<std::optional<ValueId>> first_of(p);  // the first one, of another name
  const auto first = [&](ValueId v) { return first_of[v].value_or(v); };
  const auto plain = [&](ValueId& v) {
    const ValueId root = first(v);
    if (p.type(root) == p.type(v)) {
      v = root;
      return;
    }
    for (ValueId name : names[root])
      if (p.type(name) == p.type(v)) {
        v = name;
        return;
      }
  };
  for (Instruction& i : p.loop) {
    for (ValueId& v : i.inputs) plain(v);
    if (!keeps_bytes(p, i)) continue;
    const ValueId root = first(i.inputs[0]), name = i.outputs[0];
    first_of[name] = root;
    names[root].push_back(name);
    const Shape& shape = p.shape(name);
    i.op = &reshape_op;
    i.attributes = {{"shape", std::vector<int64_t>(shape.begin(), shape.end())}};
    i.inputs = {root};
  }
  for (ValueId& v : p.next) plain(v);
  for (ProgramResult& r : p.results) plain(r.value);
  return p;
}

// What depends on weights alone is computed once.
Program with_fixed_first(Program p) {
  p.before = take(p.loop, [&p](const Instruction& i) { return p.is_fixed(i); });
  return p;
}

// What may refuse an input runs before anything is written, so that the states stay as they were.
Program with_checks_first(Program p) {
  const auto checks = [](const Instruction& i) { return i.is(index_op); };
  const ValueSet read = needed_for(p.loop, {}, checks);  // by a check, or for it
  std::vector<Instruction> ordered =
      take(p.loop, [&](const Instruction& i) { return checks(i) || read.contains_any(i.outputs); });
  std::move(p.loop.begin(), p.loop.end(), std::back_inserter(ordered));
  p.loop = std::move(ordered);
  return p;
}

Program ready(Program p) {
  return with_checks_first(
      with_fixed_first(without_dead(without_renames(without_dead(std::move(p))))));
}

}  // namespace

// --- tracing

StepTrace::StepTrace() : outer_(std::exchange(innermost, this)) {}
StepTrace::~StepTrace() { innermost = outer_; }

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
  innermost = nullptr;
  std::vector<Ref<Value>> results;
  try {
    results = plain_loop(step, 1);
  } catch (...) {
    innermost = this;
    throw;
  }
  innermost = this;
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
  program_ = ready(merge(split(builder.program)));
  initial_ = std::move(builder.program);
  initial_.results = std::move(initial_results);
  initial_ = ready(std::move(initial_));
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
