// SPDX-License-Identifier: Apache-2.0
// scan: traces the host's call into a Program, applied as one op. The plain loop defines it.
#include "scan/scan.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <tempo/ops.hpp>

#include "ops/defaults.hpp"
#include "scan/explain.hpp"
#include "scan/gradient/checkpoint.hpp"
#include "scan/int8/in_int8.hpp"
#include "scan/parts/parts.hpp"
#include "scan/rows/ending_rows.hpp"
#include "scan/stream.hpp"

namespace tempo {

namespace {

// --- the op: a Program applied to its inputs

RowsOfRun rows_of(const Attributes& attributes) {
  if (!attributes.has("rows")) return {};
  const bool computed = attributes.has("whole");
  return {std::static_pointer_cast<const EndingRows>(attributes.handle("rows")), computed,
          computed ? attributes.list("whole") : std::vector<int64_t>{}};
}

// The rows for another application in the same run.
RowsOfRun rows_for(const TracedRecurrence& recurrence, const RowsOfRun& same,
                   std::vector<int64_t> whole) {
  if (!same.ending) return {};
  const bool computed = !whole.empty() || !recurrence.for_ending_rows().drops_rows();
  return {same.ending, computed, std::move(whole)};
}

const Executable& runs_of(const TracedRecurrence& recurrence, const RowsOfRun& rows, bool in_int8) {
  return rows.ending && !rows.computed ? recurrence.for_ending_rows(in_int8)
                                       : recurrence.optimised(in_int8);
}

// The products of a scan in int8; null for an instruction of a Program, which packs in each run.
const KeptProducts* kept_products(const Attributes& attributes) {
  return static_cast<const KeptProducts*>(attributes.handle(runs_in_int8).get());
}

Tensor zeros_of(const TensorType& type) { return full(type.shape, 0, type.dtype); }

// The values of every step that a gradient reads: results of this application if it kept them. If
// not, the Program runs again from its inputs, as part of the graph, and keeps them.
class ForwardValues {
 public:
  ForwardValues(const Vjp& v, const TracedRecurrence& recurrence, const GradientProgram& gradient)
      : v_(v) {
    ValueIds missing;
    for (const GradientSource& s : gradient.sources)
      if (const auto* kept = std::get_if<KeptValue>(&s);
          kept && !result(recurrence.normalised(), kept->value))
        missing.push_back(kept->value);
    if (missing.empty()) return;
    std::vector<Ref<Value>> inputs = v.application().inputs;
    const RecurrenceRef keeping = recurrence.keeping(missing);
    const RowsOfRun same = rows_of(v.attributes()), rows = rows_for(*keeping, same, same.whole);
    const std::vector<Ref<Value>> all =
        apply_recurrence(keeping, std::move(inputs), v.attributes().integer("time"), rows);
    for (std::size_t k = 0; k < missing.size(); ++k)
      again_[missing[k]] = to_tensor(all[v.n_results() + k]);
    again_computed_ = rows.computed;
  }
  /// Whether the value is valid even where rows have ended, because ended rows were computed.
  bool is_whole(ValueId value) const {
    return again_.count(value) > 0 ? again_computed_ : rows_of(v_.attributes()).computed;
  }
  Tensor of(const Program& p, ValueId value) const {
    const auto at = again_.find(value);
    return at != again_.end() ? at->second : v_.y(*result(p, value));
  }

 private:
  static std::optional<std::size_t> result(const Program& p, ValueId value) {
    for (std::size_t r = 0; r < p.results.size(); ++r)
      if (p.results[r] == ProgramResult{ProgramResult::sequence, value}) return r;
    return std::nullopt;
  }
  const Vjp& v_;
  std::map<ValueId, Tensor> again_;
  bool again_computed_ = false;
};

// The tensor for each source in this application.
struct InputOfGradient {
  Tensor operator()(const ForwardInput& s) const { return v.x(s.index); }
  Tensor operator()(const KeptValue& s) const { return kept.of(forward, s.value); }
  Tensor operator()(const ZeroGradient& s) const {
    return zeros_of(v.application().inputs[s.input]->type);
  }
  Tensor operator()(const OutsideValue& s) const { return to_tensor(s.value); }
  Tensor operator()(const IncomingGradient& s) const {
    Tensor sum = v.dy(s.results[0]);
    for (std::size_t k = 1; k < s.results.size(); ++k) sum = sum + v.dy(s.results[k]);
    return sum;
  }
  const Vjp& v;
  const ForwardValues& kept;
  const Program& forward;
};

// Whether a source is valid even where rows have ended.
struct IsWhole {
  bool operator()(const ForwardInput& s) const {
    return std::count(rows.whole.begin(), rows.whole.end(), static_cast<int64_t>(s.index)) > 0;
  }
  bool operator()(const KeptValue& s) const { return kept.is_whole(s.value); }
  bool operator()(const IncomingGradient&) const { return rows.computed; }
  bool operator()(const ZeroGradient&) const { return false; }
  bool operator()(const OutsideValue&) const { return false; }
  const RowsOfRun& rows;
  const ForwardValues& kept;
};

RowsOfRun rows_of_gradient(const RowsOfRun& rows, const ForwardValues& kept,
                           const GradientProgram& gradient) {
  std::vector<int64_t> whole;
  for (std::size_t i = 0; rows.ending && i < gradient.sources.size(); ++i)
    if (std::visit(IsWhole{rows, kept}, gradient.sources[i]))
      whole.push_back(static_cast<int64_t>(i));
  return rows_for(*gradient.recurrence, rows, std::move(whole));
}

Tensors scan_vjp(const Vjp& v, const std::vector<bool>& wanted) {
  if (v.attributes().has(runs_in_int8)) no_gradient_in_int8();
  const TracedRecurrence& recurrence = recurrence_of(v.attributes());
  GradientRequest request{{}, wanted};
  for (std::size_t k = 0; k < v.n_results(); ++k) request.dy.push_back(static_cast<bool>(v.dy(k)));
  const GradientProgram& gradient = recurrence.gradient(request);
  const ForwardValues kept(v, recurrence, gradient);
  std::vector<Ref<Value>> inputs;
  const InputOfGradient input_of{v, kept, recurrence.normalised()};
  for (const GradientSource& s : gradient.sources)
    inputs.push_back(to_value(std::visit(input_of, s)));
  log_recurrence("gradient", {for_scan}, gradient.recurrence, v.attributes().integer("time"));
  const std::vector<Ref<Value>> results =
      apply_recurrence(gradient.recurrence, std::move(inputs), v.attributes().integer("time"),
                       rows_of_gradient(rows_of(v.attributes()), kept, gradient));
  Tensors out(v.n_inputs());
  for (std::size_t i = 0; i < out.size(); ++i)
    if (const auto result = gradient.result_of[i]) out[i] = to_tensor(results[*result]);
  return out;
}

const OpDefinition& scan_op = define({
    .name = "scan",
    .type =
        [](const TypeCall& call) {
          return result_types(recurrence_of(call.attributes).normalised(),
                              call.attributes.integer("time"));
        },
    .kernel =
        [](const KernelCall& call) {
          const TracedRecurrence& recurrence = recurrence_of(call.attributes);
          const RowsOfRun rows = rows_of(call.attributes);
          const bool rounded = call.attributes.has(runs_in_int8);
          runs_of(recurrence, rows, rounded)
              .run(call.attributes.integer("time"), call.inputs, call.outputs, rows.ending.get(),
                   rows.whole, rounded ? kept_products(call.attributes) : nullptr);
        },
    .vjp_all = scan_vjp,
    .loops = true,
    .deferred =
        [](const Attributes& attributes) {
          return recurrence_of(attributes)
              .optimised()
              .leaves_threads_idle(attributes.integer("time"));
        },
});

void log_parts(const RecurrenceParts& all, int64_t time) {
  for (const RecurrenceParts::Part& part : all.parts)
    log_recurrence(part.matrices                 ? part_of_matrices
                   : &part == &all.parts.front() ? part_ahead
                                                 : part_behind,
                   {for_scan}, part.recurrence, time);
}

// --- the inputs that a call gives to a Program

// The random keys of all steps, drawn in the order of the plain loop.
Ref<Value> keys_over_time(const Draw& draw, int64_t per_step, int64_t time, const Ref<Value>& all,
                          bool reverse) {
  Tensor table = reshape(to_tensor(all), {time, per_step, 2});
  if (reverse) table = tempo::reverse(table, 0);
  Tensor mine = slice(table, 1, draw.offset, draw.offset + draw.count);
  if (draw.single) mine = squeeze(mine, 1);
  return to_value(mine);
}

// The inputs of a traced step's Program for this call.
std::vector<Ref<Value>> inputs_of(const tempo_scan& call, TracedStep step, int64_t time) {
  std::vector<Ref<Value>> inputs = std::move(step.captured);
  for (uint32_t i = 0; i < call.n_sequences; ++i)
    inputs.push_back(Ref<Value>::share(call.sequences[i]));
  if (!step.draws.empty()) {
    const int64_t per_step = step.draws.back().offset + step.draws.back().count;
    const Ref<Value> all = next_random_keys(time * per_step);
    for (const Draw& draw : step.draws)
      inputs.push_back(keys_over_time(draw, per_step, time, all, call.reverse != 0));
  }
  for (uint32_t i = 0; i < call.n_states; ++i) inputs.push_back(Ref<Value>::share(call.states[i]));
  return inputs;
}

constexpr int time_axis = 1;  // of the sequences of a call, [batch, time, ...]

// --- the plain loop

// Gives a state a handle of its own, as a placeholder has: a gradient that a step asks for ends at
// the step's arguments.
Ref<Value> renamed(const Ref<Value>& state) {
  const bool is_placeholder = state->trace && !state->from;
  if (!state->tracked || is_placeholder) return state;
  return to_value(reshape(to_tensor(state), state->type.shape));
}

std::vector<Ref<Value>> plain_loop(const tempo_scan& call, int64_t time) {
  std::vector<Ref<Value>> states;
  for (uint32_t k = 0; k < call.n_states; ++k) states.push_back(Ref<Value>::share(call.states[k]));
  std::vector<Tensors> outputs(call.n_outputs, Tensors(static_cast<std::size_t>(time)));
  Tensors last(call.n_outputs);
  for (int64_t n = 0; n < time; ++n) {
    const int64_t t = call.reverse ? time - 1 - n : n;
    std::vector<Ref<Value>> x;
    for (uint32_t i = 0; i < call.n_sequences; ++i)
      x.push_back(to_value(take(Tensor::borrowed(call.sequences[i]), t, time_axis)));
    for (Ref<Value>& state : states) state = renamed(state);
    const std::vector<Ref<Value>> results = run_step(call, x, states);
    for (uint32_t i = 0; i < call.n_outputs; ++i)
      last[i] = outputs[i][static_cast<std::size_t>(t)] = to_tensor(results[i]);
    states.assign(results.begin() + call.n_outputs, results.end());
  }
  std::vector<Ref<Value>> all;
  for (uint32_t i = 0; i < call.n_outputs; ++i)
    all.push_back(to_value(call.last_only ? last[i] : stack(outputs[i], time_axis)));
  all.insert(all.end(), states.begin(), states.end());
  return all;
}

int64_t time_of(const tempo_scan& call) {
  if (call.n_sequences == 0)
    throw ShapeError("scan: it needs at least one sequence to know the number of steps.");
  for (uint32_t i = 0; i < call.n_sequences; ++i) {
    const TensorType& type = call.sequences[i]->type;
    if (type.shape.rank() <= time_axis ||
        type.shape[time_axis] != call.sequences[0]->type.shape[time_axis])
      throw ShapeError("scan: the sequences have different numbers of steps\n  sequence 0  " +
                       to_string(call.sequences[0]->type) + "\n  sequence " + std::to_string(i) +
                       "  " + to_string(type) + "\n  The time axis, the second, must be the same.");
  }
  return call.sequences[0]->type.shape[time_axis];
}

// Over zero steps, the last states are the first ones. A last output, which no step made, is 0.
std::vector<Ref<Value>> no_steps(const tempo_scan& call, const TracedStep& step) {
  std::vector<Ref<Value>> results;
  const std::vector<TensorType> types = result_types(step.recurrence->normalised(), 0);
  for (uint32_t i = 0; i < call.n_outputs; ++i) results.push_back(to_value(zeros_of(types[i])));
  for (uint32_t k = 0; k < call.n_states; ++k) {
    const Tensor state = Tensor::borrowed(call.states[k]);
    results.push_back(to_value(reshape(state, state.shape())));
  }
  return results;
}

}  // namespace

std::vector<Ref<Value>> apply_recurrence(const RecurrenceRef& recurrence,
                                         std::vector<Ref<Value>> inputs, int64_t time,
                                         const RowsOfRun& rows) {
  Attributes attributes{{"program", Attributes::Handle(recurrence)}, {"time", time}};
  if (rows.ending) attributes.set("rows", Attributes::Handle(rows.ending));
  if (rows.computed) attributes.set("whole", rows.whole);
  // In a traced step, the passes of the outer Program decide this.
  if (const InInt8* thread = InInt8::current(); thread && !Trace::current()) {
    const std::shared_ptr<const Executable> runs(recurrence, &runs_of(*recurrence, rows, true));
    attributes.set(runs_in_int8, Attributes::Handle(thread->products_of(runs, inputs)));
  }
  return apply(scan_op, std::move(inputs), std::move(attributes),
               recurrence->normalised().results.size());
}

std::vector<Ref<Value>> run_scan(const tempo_scan& call, TraceCache* steps, bool in_training) {
  const int64_t time = time_of(call);
  if (call.plain && time > 0) return plain_loop(call, time);
  if (StreamTrace* stream = StreamTrace::current(); stream && time == 1)
    return stream->inlined(call, plain_loop);
  TracedStep step = steps && call.step_id ? steps->traced(call, in_training) : trace_step(call);
  if (time == 0) return no_steps(call, step);
  const RecurrenceRef written = step.recurrence;
  const RecurrenceParts* const parts =
      written->runs_in_parts() && !InInt8::current() ? written->in_parts().get() : nullptr;
  log_recurrence("forward", {before_gradient, for_scan}, written, time);
  if (parts) log_parts(*parts, time);
  RecurrenceRef recurrence = written;
  std::vector<Ref<Value>> inputs = inputs_of(call, std::move(step), time);
  const bool tracked =
      std::any_of(inputs.begin(), inputs.end(), [](const Ref<Value>& v) { return v->tracked; });
  const bool gradient = tracked && may_want_gradients() && !InInt8::current();
  if (parts) {
    std::vector<Ref<Value>> results =
        apply_in_parts(*parts, inputs, time, gradient, call.recompute != 0);
    results.resize(call.n_outputs + call.n_states);
    return results;
  }
  if (gradient && !call.recompute) recurrence = recurrence->keeping(recurrence->read_by_gradient());
  const bool in_segments = gradient && call.recompute;
  const EndingRowsRef rows =
      in_segments ? nullptr : ending_rows(*written, *recurrence, inputs, time, gradient);
  std::vector<Ref<Value>> results =
      in_segments ? apply_in_segments(recurrence, std::move(inputs), time)
      : rows      ? apply_sorted(*written, recurrence, std::move(inputs), time, rows)
                  : apply_recurrence(recurrence, std::move(inputs), time);
  results.resize(call.n_outputs + call.n_states);
  return results;
}

}  // namespace tempo
