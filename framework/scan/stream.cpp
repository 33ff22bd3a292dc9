// SPDX-License-Identifier: Apache-2.0
// Records scans over one step as single steps, and runs the planned result step by step.
#include "scan/stream.hpp"

#include <algorithm>

#include "program/builder.hpp"
#include "program/passes/pipelines.hpp"
#include "scan/explain.hpp"
#include "tensor/cpu.hpp"

namespace tempo {

namespace {

thread_local StreamTrace* innermost = nullptr;

}  // namespace

// --- tracing

StreamTrace::StreamTrace() : innermost_(innermost, this) {}

StreamTrace* StreamTrace::current() {
  return innermost && Trace::current() == &innermost->trace ? innermost : nullptr;
}

std::vector<Ref<Value>> StreamTrace::inlined(const tempo_scan& call, PlainLoop plain_loop) {
  if (call.reverse)
    throw Error(
        "Stream: a scan runs from the last step to the first; it needs the whole sequence.");
  std::vector<tempo_tensor*> states;
  const std::size_t first = carried.size();
  for (uint32_t k = 0; k < call.n_states; ++k) {
    carried.push_back(
        {trace.own(Ref<Value>::share(call.states[k])), trace.argument(call.states[k]->type), {}});
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

namespace {

TracedStream traced(const std::function<Tensor(const Tensors&)>& f,
                    const std::vector<TensorType>& x_types) {
  TracedStream out;
  ProgramBuilder builder;
  std::vector<ProgramResult> initial;
  {
    StreamTrace stream;
    Tensors x;
    for (const TensorType& type : x_types) x.push_back(to_tensor(stream.trace.placeholder(type)));
    const Ref<Value> y = stream.trace.own(to_value(f(x)));
    if (!stream.trace.keys().empty())
      throw Error("Stream: a step draws random numbers; it would have others each time.");
    for (const Trace::Capture& c : stream.trace.captures()) {
      if (c.outside->trace)
        throw Error(
            "Stream: a placeholder of a traced step was used after the step ended.\n"
            "  Return what the step computes as its output or state; do not store it.");
      builder.input(Role::fixed, c.inside, c.outside->path);
      out.captured.push_back(c.outside);
    }
    for (const Tensor& t : x) builder.input(Role::sequence, to_value(t), "x");
    for (const StreamTrace::Carried& c : stream.carried)
      builder.input(Role::carried, c.before, "state");
    for (const Ref<Application>& a : stream.trace.applications()) builder.add(*a);
    for (const StreamTrace::Carried& c : stream.carried) {
      builder.program.next.push_back(builder.at(*c.next));
      initial.push_back({ProgramResult::last, builder.at(*c.initial)});
    }
    builder.program.results = {{ProgramResult::last, builder.at(*y)}};
  }
  settle_roles(builder.program);
  for (const ProgramResult& r : initial)
    if (!builder.program.is_fixed(r.value))
      throw Error(
          "Stream: an initial state depends on the input; a state can only begin with what is "
          "known before the first step.");
  out.step = builder.program;
  out.initial = std::move(builder.program);
  out.initial.results = std::move(initial);
  return out;
}

Program optimised(Program step, bool in_int8) {
  if (in_int8)
    log_program("stream", {before_gradient, for_int8, for_stream}, step);
  else
    log_program("stream", {before_gradient, for_stream}, step);
  step = run_passes(before_gradient, std::move(step));
  if (in_int8) step = run_passes(for_int8, std::move(step));
  return run_passes(for_stream, std::move(step));
}

}  // namespace

Streamer::Streamer(const std::function<Tensor(const Tensors&)>& f, const std::vector<TensorType>& x,
                   bool in_int8)
    : Streamer(traced(f, x), x, in_int8) {}

Streamer::Streamer(TracedStream traced, const std::vector<TensorType>& x, bool in_int8)
    : step_(optimised(std::move(traced.step), in_int8)),
      initial_(run_passes(for_stream, std::move(traced.initial))),
      captured_(std::move(traced.captured)) {
  const Program& p = step_.program();
  for (const Ref<Value>& v : captured_) inputs_.push_back(v->array.view());
  for (const TensorType& type : x) inputs_.push_back({type, nullptr});
  for (ValueId v : p.carried) {
    states_.emplace_back(p.type(v));
    inputs_.push_back(states_.back().view());
    initial_states_.push_back(states_.back().view());
  }
  outputs_.push_back({result(), nullptr});
  for (ValueId v : p.sequences) {
    const std::optional<Region>& region = step_.plan().regions[v];
    x_blocks_.push_back(region ? std::optional(region->block) : std::nullopt);
  }
  versions_.resize(captured_.size());
  execution_.emplace(step_, 1, inputs_, outputs_, 1);
  prepare();
  reset();
}

const TensorType& Streamer::result() const {
  return step_.program().type(step_.program().results[0].value);
}

bool Streamer::weights_changed() const {
  for (std::size_t i = 0; i < captured_.size(); ++i)
    if (captured_[i]->version != versions_[i]) return true;
  return false;
}

void Streamer::prepare() {
  for (std::size_t i = 0; i < captured_.size(); ++i) {
    inputs_[i] = captured_[i]->array.view();
    versions_[i] = captured_[i]->version;
  }
  execution_->bind();
  execution_->prepare();
}

void Streamer::reset() {
  if (weights_changed()) prepare();
  initial_.run(1, inputs_, initial_states_);
  shard_ = execution_->start(0);
  steps_ = 0;
}

void Streamer::run(std::span<const void* const> x, void* y) {
  const FlushDenormals flush;
  if (weights_changed()) {
    prepare();
    execution_->find_again(shard_);
  }
  for (std::size_t i = 0; i < x.size(); ++i)
    if (const auto block = x_blocks_[i])
      shard_.addresses[*block] = const_cast<char*>(static_cast<const char*>(x[i]));
  outputs_[0].data = y;
  execution_->step(shard_, steps_, true);
  ++steps_;
}

}  // namespace tempo
