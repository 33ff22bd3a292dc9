// scan: from the host's call to a traced Program, applied as one op. The plain loop is its meaning.
#include "scan/scan.hpp"

#include "graph/trace.hpp"
#include "ops/defaults.hpp"
#include "scan/build.hpp"
#include "scan/execute.hpp"
#include "scan/explain.hpp"
#include "scan/step_program.hpp"
#include "scan/stepper.hpp"

#include <tempo/ops.hpp>

#include <algorithm>
#include <list>
#include <optional>

namespace tempo {

namespace {

// --- the op: a Program applied to its inputs

const StepProgram& program_of(const Attributes& attributes) {
  return *static_cast<const StepProgram*>(attributes.handle("program").get());
}

Tensor zeros_of(const TensorType& type) { return full(type.shape, 0, type.dtype); }

// The values that a gradient reads of every step: results of this application where it kept them;
// else the Program runs again from its inputs, as part of the graph, and keeps them now.
class KeptValues {
 public:
  KeptValues(const Vjp& v, const StepProgram& program, const GradientProgram& gradient) : v_(v) {
    std::vector<int> missing;
    for (const GradientSource& s : gradient.sources)
      if (s.kind == GradientSource::kept && !result(program.raw(), s.index))
        missing.push_back(static_cast<int>(s.index));
    if (missing.empty()) return;
    std::vector<Ref<Value>> inputs = v.application().inputs;
    const std::vector<Ref<Value>> all =
        apply_program(program.keeping(missing), std::move(inputs), v.attributes().integer("time"));
    for (std::size_t k = 0; k < missing.size(); ++k)
      again_[static_cast<std::size_t>(missing[k])] = to_tensor(all[v.n_results() + k]);
  }
  Tensor of(const Program& p, std::size_t value) const {
    const auto at = again_.find(value);
    return at != again_.end() ? at->second : v_.y(*result(p, value));
  }

 private:
  static std::optional<std::size_t> result(const Program& p, std::size_t value) {
    for (std::size_t r = 0; r < p.results.size(); ++r)
      if (p.results[r] == ProgramResult{ProgramResult::sequence, static_cast<int>(value)}) return r;
    return std::nullopt;
  }
  const Vjp& v_;
  std::map<std::size_t, Tensor> again_;
};

Tensors scan_vjp(const Vjp& v, const std::vector<bool>& wanted) {
  const StepProgram& program = program_of(v.attributes());
  GradientRequest request{{}, wanted};
  for (std::size_t k = 0; k < v.n_results(); ++k) request.dy.push_back(static_cast<bool>(v.dy(k)));
  const GradientProgram& gradient = program.gradient(request);
  const KeptValues kept(v, program, gradient);
  std::vector<Ref<Value>> inputs;
  for (const GradientSource& s : gradient.sources) {
    Tensor input;
    switch (s.kind) {
      case GradientSource::forward_input: input = v.x(s.index); break;
      case GradientSource::kept: input = kept.of(program.raw(), s.index); break;
      case GradientSource::nothing: input = zeros_of(v.application().inputs[s.index]->type); break;
      case GradientSource::outside: input = to_tensor(s.value); break;
      case GradientSource::dy:
        input = v.dy(s.index);
        for (std::size_t more : s.more_dy) input = input + v.dy(more);
        break;
    }
    inputs.push_back(to_value(input));
  }
  log_program("gradient", gradient.program);
  const std::vector<Ref<Value>> results =
      apply_program(gradient.program, std::move(inputs), v.attributes().integer("time"));
  Tensors out(v.n_inputs());
  for (std::size_t i = 0; i < out.size(); ++i)
    if (gradient.result_of[i] >= 0)
      out[i] = to_tensor(results[static_cast<std::size_t>(gradient.result_of[i])]);
  return out;
}

const OpDefinition& scan_op = define({
    .name = "scan",
    .type =
        [](const TypeCall& call) {
          return result_types(program_of(call.attributes).raw(), call.attributes.integer("time"));
        },
    .kernel =
        [](const KernelCall& call) {
          const StepProgram& program = program_of(call.attributes);
          execute(program.fast(), program.plan(), call.attributes.integer("time"), call.inputs,
                  call.outputs);
        },
    .vjp_all = scan_vjp,
});

// --- tracing a step

struct Bound {
  StepProgramRef program;
  std::vector<Ref<Value>> inputs;  // of this call, in the Program's order
};

struct StepResults {
  explicit StepResults(const tempo_scan& call) : raw(call.n_outputs + call.n_states) {}
  ~StepResults() {
    for (tempo_tensor* t : raw)
      if (t) release(t);
  }
  StepResults(const StepResults&) = delete;
  StepResults& operator=(const StepResults&) = delete;
  std::vector<tempo_tensor*> raw;
};

void run_step(const tempo_scan& call, const std::vector<Ref<Value>>& x,
              const std::vector<Ref<Value>>& states, StepResults& results) {
  std::vector<tempo_tensor*> xs, ss;
  for (const Ref<Value>& v : x) xs.push_back(v.get());
  for (const Ref<Value>& v : states) ss.push_back(v.get());
  sdk::check(call.step(call.user, xs.data(), ss.data(), results.raw.data()));
  for (std::size_t i = 0; i < results.raw.size(); ++i)
    if (!results.raw[i])
      throw ShapeError("scan: the step left result " + std::to_string(i) + " without a value.");
  for (uint32_t k = 0; k < call.n_states; ++k) {
    const TensorType& before = call.states[k]->type;
    const TensorType& after = results.raw[call.n_outputs + k]->type;
    if (!(before == after))
      throw ShapeError("scan: state " + std::to_string(k) +
                       " changes its type in the step\n  before  " + to_string(before) +
                       "\n  after   " + to_string(after) +
                       "\n  A state must keep its shape and dtype; does the initial state have the "
                       "size of the cell?");
  }
}

TensorType one_step(const TensorType& sequence) {
  return {sequence.dtype, sequence.shape.without_first()};
}

// The random keys of all steps: what the plain loop would have drawn, in its order.
Ref<Value> keys_over_time(const Trace::Keys& keys, int64_t per_step, int64_t time,
                          const Ref<Value>& all, bool reverse) {
  Tensor table = reshape(to_tensor(all), {time, per_step, 2});
  if (reverse) table = tempo::reverse(table, 0);
  Tensor mine = slice(table, 1, keys.offset, keys.offset + keys.count);
  if (keys.placeholder->type.shape.rank() == 1) mine = squeeze(mine, 1);
  return to_value(mine);
}

StepProgramRef cached(Program program, std::vector<Ref<Value>> nodes) {
  struct Entry {
    std::string key;
    StepProgramRef program;
  };
  constexpr std::size_t capacity = 128;
  static std::mutex mutex;
  static std::list<Entry> recent;
  const std::string key = key_of(program);
  const std::lock_guard lock(mutex);
  const auto at =
      std::find_if(recent.begin(), recent.end(), [&key](const Entry& e) { return e.key == key; });
  if (at != recent.end()) {
    recent.splice(recent.begin(), recent, at);
    return at->program;
  }
  recent.push_front({key, std::make_shared<StepProgram>(std::move(program), std::move(nodes))});
  if (recent.size() > capacity) recent.pop_back();
  return recent.front().program;
}

Bound trace_step(const tempo_scan& call, int64_t time) {
  ProgramBuilder builder;
  Bound bound;
  std::vector<Trace::Keys> keys;
  {
    Trace trace;
    std::vector<Ref<Value>> x, states;
    for (uint32_t i = 0; i < call.n_sequences; ++i)
      x.push_back(trace.placeholder(one_step(call.sequences[i]->type)));
    for (uint32_t i = 0; i < call.n_states; ++i)
      states.push_back(trace.placeholder(call.states[i]->type));
    StepResults results(call);
    run_step(call, x, states, results);
    std::vector<Ref<Value>> own;
    for (tempo_tensor* t : results.raw) own.push_back(trace.own(Ref<Value>::share(t)));
    for (const Trace::Capture& c : trace.captures()) {
      builder.input(Standing::fixed, c.inside, c.outside->path);
      bound.inputs.push_back(c.outside);
    }
    for (const Ref<Value>& v : x) builder.input(Standing::sequence, v, "x");
    for (const Trace::Keys& k : trace.keys())
      builder.input(Standing::sequence, k.placeholder, "random_key");
    for (const Ref<Value>& v : states) builder.input(Standing::carried, v, "state");
    for (const Ref<Application>& a : trace.applications()) builder.add(*a);
    for (uint32_t i = 0; i < call.n_outputs; ++i)
      builder.program.results.push_back(
          {call.last_only ? ProgramResult::last : ProgramResult::sequence, builder.find(*own[i])});
    for (uint32_t i = 0; i < call.n_states; ++i) {
      builder.program.next.push_back(builder.find(*own[call.n_outputs + i]));
      builder.program.results.push_back({ProgramResult::last, builder.program.next.back()});
    }
    keys = trace.keys();
  }
  builder.program.reverse = call.reverse != 0;
  settle_standings(builder.program);
  for (uint32_t i = 0; i < call.n_sequences; ++i)
    bound.inputs.push_back(Ref<Value>::share(call.sequences[i]));
  if (!keys.empty()) {
    const int64_t per_step = keys.back().offset + keys.back().count;
    const Ref<Value> all = next_random_keys(time * per_step);
    for (const Trace::Keys& k : keys)
      bound.inputs.push_back(keys_over_time(k, per_step, time, all, call.reverse != 0));
  }
  for (uint32_t i = 0; i < call.n_states; ++i)
    bound.inputs.push_back(Ref<Value>::share(call.states[i]));
  bound.program = cached(without_dead(std::move(builder.program)), std::move(builder.nodes));
  return bound;
}

// --- the plain loop

std::vector<Ref<Value>> plain_loop(const tempo_scan& call, int64_t time) {
  std::vector<Ref<Value>> states;
  for (uint32_t k = 0; k < call.n_states; ++k) states.push_back(Ref<Value>::share(call.states[k]));
  std::vector<Tensors> outputs(call.n_outputs, Tensors(static_cast<std::size_t>(time)));
  Tensors last(call.n_outputs);
  for (int64_t n = 0; n < time; ++n) {
    const int64_t t = call.reverse ? time - 1 - n : n;
    std::vector<Ref<Value>> x;
    for (uint32_t i = 0; i < call.n_sequences; ++i)
      x.push_back(to_value(take(Tensor::borrowed(call.sequences[i]), t)));
    StepResults results(call);
    run_step(call, x, states, results);
    for (uint32_t i = 0; i < call.n_outputs; ++i)
      last[i] = outputs[i][static_cast<std::size_t>(t)] = Tensor::borrowed(results.raw[i]);
    for (uint32_t k = 0; k < call.n_states; ++k)
      states[k] = Ref<Value>::share(results.raw[call.n_outputs + k]);
  }
  std::vector<Ref<Value>> all;
  for (uint32_t i = 0; i < call.n_outputs; ++i)
    all.push_back(to_value(call.last_only ? last[i] : stack(outputs[i])));
  all.insert(all.end(), states.begin(), states.end());
  return all;
}

int64_t time_of(const tempo_scan& call) {
  if (call.n_sequences == 0)
    throw ShapeError("scan: it needs at least one sequence to know the number of steps.");
  for (uint32_t i = 0; i < call.n_sequences; ++i) {
    const TensorType& type = call.sequences[i]->type;
    if (type.shape.rank() < 1 || type.shape[0] != call.sequences[0]->type.shape[0])
      throw ShapeError("scan: the sequences have different numbers of steps\n  sequence 0  " +
                       to_string(call.sequences[0]->type) + "\n  sequence " + std::to_string(i) +
                       "  " + to_string(type) +
                       "\n  The time axis, here the first, must be the same.");
  }
  const int64_t time = call.sequences[0]->type.shape[0];
  if (time < 1)
    throw ShapeError("scan: a sequence with no steps has no last state\n  sequence 0  " +
                     to_string(call.sequences[0]->type) + "   time axis first");
  return time;
}

}  // namespace

std::vector<Ref<Value>> apply_program(const StepProgramRef& program, std::vector<Ref<Value>> inputs,
                                      int64_t time) {
  return apply(scan_op, std::move(inputs),
               {{"program", Attributes::Handle(program)}, {"time", time}},
               program->raw().results.size());
}

std::vector<Ref<Value>> run_scan(const tempo_scan& call) {
  const int64_t time = time_of(call);
  if (call.plain) return plain_loop(call, time);
  if (StepTrace* steps = StepTrace::current(); steps && time == 1)
    return steps->inlined(call, plain_loop);
  Bound bound = trace_step(call, time);
  const bool tracked = std::any_of(bound.inputs.begin(), bound.inputs.end(),
                                   [](const Ref<Value>& v) { return v->tracked; });
  log_program("forward", bound.program);
  const StepProgramRef program = tracked && recording()
                                     ? bound.program->keeping(bound.program->read_by_gradient())
                                     : bound.program;
  std::vector<Ref<Value>> results = apply_program(program, std::move(bound.inputs), time);
  results.resize(call.n_outputs + call.n_states);
  return results;
}

}  // namespace tempo
