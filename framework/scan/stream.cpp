#include "scan/stream.hpp"

#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "tensor/cpu.hpp"

#include <algorithm>

namespace tempo {

namespace {

thread_local StepTrace* innermost = nullptr;

// --- ops that only rename

// Whether the result has the elements of the first input in their order.
bool keeps_bytes(const Program& p, const Instruction& i) {
  static const OpDefinition* const transpose = find_op("transpose");
  static const OpDefinition* const slice = find_op("slice");
  static const OpDefinition* const concat = find_op("concat");
  if (i.inputs.empty() || i.outputs.size() != 1) return false;
  const TensorType& from = p.values[static_cast<std::size_t>(i.inputs[0])].type;
  const TensorType& to = p.values[static_cast<std::size_t>(i.outputs[0])].type;
  if (from.shape.count() != to.shape.count() || from.dtype != to.dtype) return false;
  if (!i.op->kernel || i.op == slice) return true;
  if (i.op == concat) return i.inputs.size() == 1;
  if (i.op != transpose) return false;
  std::vector<int64_t> moved;  // the axes that are more than one element, as they come
  for (int64_t axis : i.attributes.list("permutation"))
    if (from.shape[static_cast<int>(axis)] != 1) moved.push_back(axis);
  return std::is_sorted(moved.begin(), moved.end());
}

// Whoever reads a value under another name reads the value. What must have another shape gets it by
// reshape.
Program without_renames(Program p) {
  static const OpDefinition* const reshape = find_op("reshape");
  std::vector<std::vector<int>> names(p.values.size());  // of the same bytes, the first one first
  std::vector<int> first(p.values.size());
  for (std::size_t v = 0; v < p.values.size(); ++v) {
    first[v] = static_cast<int>(v);
    names[v] = {static_cast<int>(v)};
  }
  const auto plain = [&](int& v) {
    const TensorType& type = p.values[static_cast<std::size_t>(v)].type;
    for (int name : names[static_cast<std::size_t>(first[static_cast<std::size_t>(v)])])
      if (p.values[static_cast<std::size_t>(name)].type == type) {
        v = name;
        return;
      }
  };
  for (Instruction& i : p.loop) {
    for (int& v : i.inputs) plain(v);
    if (!keeps_bytes(p, i)) continue;
    const int root = first[static_cast<std::size_t>(i.inputs[0])];
    first[static_cast<std::size_t>(i.outputs[0])] = root;
    names[static_cast<std::size_t>(root)].push_back(i.outputs[0]);
    const Shape& shape = p.values[static_cast<std::size_t>(i.outputs[0])].type.shape;
    i.op = reshape;
    i.attributes = {{"shape", std::vector<int64_t>(shape.begin(), shape.end())}};
    i.inputs = {root};
  }
  for (int& v : p.next) plain(v);
  for (ProgramResult& r : p.results) plain(r.value);
  return p;
}

// What depends on weights alone is computed once.
Program with_fixed_first(Program p) {
  const auto stays = std::stable_partition(p.loop.begin(), p.loop.end(), [&](const Instruction& i) {
    return p.values[static_cast<std::size_t>(i.outputs[0])].standing == Standing::fixed;
  });
  p.before.assign(p.loop.begin(), stays);
  p.loop.erase(p.loop.begin(), stays);
  return p;
}

// What may refuse an input runs before anything is written, so that the states stay as they were.
Program with_checks_first(Program p) {
  static const OpDefinition* const index = find_op("index");
  std::vector<bool> read(p.values.size(), false);  // by a check, or for it
  std::vector<bool> first(p.loop.size(), false);
  for (std::size_t k = p.loop.size(); k-- > 0;) {
    const Instruction& i = p.loop[k];
    first[k] = i.op == index || std::any_of(i.outputs.begin(), i.outputs.end(), [&](int v) {
                 return read[static_cast<std::size_t>(v)];
               });
    if (first[k])
      for (int v : i.inputs) read[static_cast<std::size_t>(v)] = true;
  }
  std::vector<Instruction> ordered;
  for (const bool now : {true, false})
    for (std::size_t k = 0; k < p.loop.size(); ++k)
      if (first[k] == now) ordered.push_back(std::move(p.loop[k]));
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
      builder.program.next.push_back(builder.find(*c.next));
      initial_.results.push_back({ProgramResult::last, builder.find(*c.initial)});
    }
    builder.program.results = {{ProgramResult::last, builder.find(*y)}};
  }
  settle_standings(builder.program);
  for (const ProgramResult& r : initial_.results)
    if (builder.program.values[static_cast<std::size_t>(r.value)].standing != Standing::fixed)
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
  for (int v : program_.carried) {
    states_.emplace_back(program_.values[static_cast<std::size_t>(v)].type);
    inputs_.push_back(states_.back().view());
    initial_states_.push_back(states_.back().view());
  }
  outputs_.push_back({result(), nullptr});
  for (std::size_t b = 0; b < plan_.blocks.size(); ++b)
    if (plan_.blocks[b].kind == Block::external &&
        plan_.blocks[b].index == static_cast<int>(captured_.size()))
      x_block_ = static_cast<int>(b);
  versions_.resize(captured_.size());
  execution_.emplace(program_, plan_, 1, inputs_, outputs_, 1);
  prepare();
  reset();
}

const TensorType& Stepper::result() const {
  return program_.values[static_cast<std::size_t>(program_.results[0].value)].type;
}

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
