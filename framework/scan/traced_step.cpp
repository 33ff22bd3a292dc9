// SPDX-License-Identifier: Apache-2.0
// Runs a step on placeholders, finds its Program by its text, and caches it for the layer.
#include "scan/traced_step.hpp"

#include <algorithm>
#include <cstddef>

#include "graph/callback.hpp"
#include "graph/mask.hpp"
#include "ops/defaults.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

TensorType one_step(const TensorType& sequence) {
  Shape step = sequence.shape.without_first();
  step[0] = sequence.shape[0];
  return {sequence.dtype, step};
}

void require_same_states(const tempo_scan& call, const std::vector<Ref<Value>>& results) {
  for (uint32_t k = 0; k < call.n_states; ++k) {
    const TensorType& before = call.states[k]->type;
    const TensorType& after = results[call.n_outputs + k]->type;
    if (!(before == after))
      throw ShapeError("scan: state " + std::to_string(k) +
                       " changes its type in the step\n  before  " + to_string(before) +
                       "\n  after   " + to_string(after) +
                       "\n  A state must keep its shape and dtype; does the initial state have the "
                       "size of the cell?");
  }
}

void take_masks_off(std::vector<Ref<Value>>& values) {
  for (Ref<Value>& v : values)
    if (v->mask) v = remasked(*v, {});
}

// Steps with the same trace share a Program, and everything that is derived from it.
RecurrenceRef recurrence_like(Program program, std::vector<Ref<Value>> nodes) {
  struct Entry {
    std::string key;
    RecurrenceRef recurrence;
  };
  static Recent<Entry>& recent = *new Recent<Entry>(128);
  const std::string key = key_of(program);
  const auto same = [&](const Entry& e) { return e.key == key; };
  return recent_or_made(recent, same,
                        [&] {
                          return Entry{key, make_recurrence(std::move(program), std::move(nodes))};
                        })
      .recurrence;
}

}  // namespace

std::vector<Ref<Value>> run_step(const tempo_scan& call, std::vector<Ref<Value>> x,
                                 std::vector<Ref<Value>> states) {
  std::vector<tempo_tensor*> xs, ss, raw(call.n_outputs + call.n_states);
  take_masks_off(x);
  take_masks_off(states);
  for (const Ref<Value>& v : x) xs.push_back(v.get());
  for (const Ref<Value>& v : states) ss.push_back(v.get());
  const tempo_step step{sizeof step, call.n_sequences, call.n_states, call.n_outputs,
                        xs.data(),   ss.data(),        raw.data()};
  const tempo_status status = status_of([&] { return call.step(call.user, &step); });
  std::vector<Ref<Value>> results;
  for (tempo_tensor* t : raw) results.emplace_back(t);
  check_function(status, "scan: the step");
  for (std::size_t i = 0; i < results.size(); ++i)
    if (!results[i])
      throw ShapeError("scan: the step left result " + std::to_string(i) + " without a value.");
  require_same_states(call, results);
  take_masks_off(results);
  return results;
}

namespace {
void require_batch(const tempo_scan& call, const TensorType& output) {
  if (!call.last_only && output.shape.rank() == 0)
    throw ShapeError("scan: the step's output is " + to_string(output) +
                     "; it needs a batch axis, [batch, ...].");
}
}  // namespace

TracedStep trace_step(const tempo_scan& call) {
  ProgramBuilder builder;
  TracedStep traced;
  {
    Trace trace;
    std::vector<Ref<Value>> x, states;
    for (uint32_t i = 0; i < call.n_sequences; ++i)
      x.push_back(trace.argument(one_step(call.sequences[i]->type)));
    for (uint32_t i = 0; i < call.n_states; ++i)
      states.push_back(trace.argument(call.states[i]->type));
    std::vector<Ref<Value>> results = run_step(call, x, states);
    for (Ref<Value>& r : results) r = trace.own(r);
    traced.of_one_call = trace.is_tied_to_call();
    for (const Trace::Capture& c : trace.captures()) {
      builder.input(Role::fixed, c.inside, c.outside->path);
      traced.captured.push_back(c.outside);
    }
    for (const Ref<Value>& v : x) builder.input(Role::sequence, v, "x", /*batch_first=*/true);
    for (const Trace::Keys& k : trace.keys()) {
      builder.input(Role::sequence, k.placeholder, "random_key");
      traced.draws.push_back({k.offset, k.count, k.placeholder->type.shape.rank() == 1});
    }
    for (const Ref<Value>& v : states) builder.input(Role::carried, v, "state");
    for (const Ref<Application>& a : trace.applications()) builder.add(*a);
    for (uint32_t i = 0; i < call.n_outputs; ++i) require_batch(call, results[i]->type);
    for (uint32_t i = 0; i < call.n_outputs; ++i)
      builder.program.results.push_back(
          {call.last_only ? ProgramResult::last : ProgramResult::sequence, builder.at(*results[i]),
           !call.last_only});
    for (uint32_t i = 0; i < call.n_states; ++i) {
      builder.program.next.push_back(builder.at(*results[call.n_outputs + i]));
      builder.program.results.push_back({ProgramResult::last, builder.program.next.back()});
    }
  }
  builder.program.reverse = call.reverse != 0;
  settle_roles(builder.program);
  traced.recurrence =
      recurrence_like(without_dead(std::move(builder.program)), std::move(builder.nodes));
  return traced;
}

// --- the cached steps of a layer

namespace {
// The constants of a call, each followed by its mask, the mask's own mask, and so on.
std::vector<Value*> with_masks(const tempo_scan& call) {
  std::vector<Value*> all;
  for (uint32_t i = 0; i < call.n_constants; ++i)
    for (Value* v = call.constants[i]; v; v = v->mask.get()) all.push_back(v);
  return all;
}
}  // namespace

std::vector<TraceCache::Constant> TraceCache::constants_of(const tempo_scan& call) {
  const std::vector<Value*> all = with_masks(call);
  std::vector<Constant> out;
  for (const Value* v : all) {
    const auto same = [v](const Value* other) { return identity(*other) == identity(*v); };
    const auto first = std::find_if(all.begin(), all.end(), same);
    const bool is_mask = !out.empty() && all[out.size() - 1]->mask.get() == v;
    out.push_back({v->type, is_mask, static_cast<std::size_t>(first - all.begin())});
  }
  return out;
}

TraceCache::Entry::Entry(const tempo_scan& made_for, bool its_mode)
    : call(made_for),
      in_training(its_mode),
      default_dtype(tempo::default_dtype()),
      constants(constants_of(made_for)) {
  for (uint32_t i = 0; i < call.n_sequences; ++i)
    sequences.push_back(one_step(call.sequences[i]->type));
  for (uint32_t i = 0; i < call.n_states; ++i) states.push_back(call.states[i]->type);
}

bool TraceCache::Entry::fits(const tempo_scan& other, const std::vector<Constant>& its_constants,
                             bool other_mode) const {
  const auto same = [](const std::vector<TensorType>& types, tempo_tensor* const* tensors) {
    return std::equal(types.begin(), types.end(), tensors,
                      [](const TensorType& type, const Value* v) { return type == v->type; });
  };
  const auto same_step = [](const TensorType& type, const Value* v) {
    return type.shape.rank() + 1 == v->type.shape.rank() && type == one_step(v->type);
  };
  return call.step == other.step && call.step_id == other.step_id && in_training == other_mode &&
         call.n_sequences == other.n_sequences && call.n_states == other.n_states &&
         call.n_outputs == other.n_outputs && call.reverse == other.reverse &&
         call.last_only == other.last_only && default_dtype == tempo::default_dtype() &&
         std::equal(sequences.begin(), sequences.end(), other.sequences, same_step) &&
         same(states, other.states) && constants == its_constants;
}

// Whether the step reads only weights of the layer, constants of the call and their masks.
bool TraceCache::find_sources(const TracedStep& step, const tempo_scan& call, Entry& entry) const {
  const std::vector<Value*> weights = weights_(), constants = with_masks(call);
  for (const Ref<Value>& captured : step.captured) {
    const auto same = [&](const Value* v) { return identity(*v) == identity(*captured); };
    const auto weight = std::find(weights.begin(), weights.end(), captured.get());
    const auto constant = std::find_if(constants.begin(), constants.end(), same);
    if ((weight == weights.end()) == (constant == constants.end())) return false;
    if (weight != weights.end())
      entry.sources.push_back({*weight, 0});
    else
      entry.sources.push_back({nullptr, static_cast<std::size_t>(constant - constants.begin())});
  }
  return true;
}

TraceCache::EntryRef TraceCache::find(const tempo_scan& call, bool in_training) {
  const std::vector<Constant> constants = constants_of(call);
  const ProcessLock lock(ProcessLock::steps);
  const EntryRef* const found =
      entries_.find([&](const EntryRef& e) { return e->fits(call, constants, in_training); });
  return found ? *found : nullptr;
}

void TraceCache::keep(EntryRef entry, const tempo_scan& call) {
  std::list<EntryRef> dropped;  // destroyed after the lock is released
  const ProcessLock lock(ProcessLock::steps);
  const auto same = [&](const EntryRef& e) {
    return e->fits(call, entry->constants, entry->in_training);
  };
  if (entries_.find(same)) return;  // another thread was faster
  entries_.add(std::move(entry), dropped);
}

void TraceCache::clear() {
  std::list<EntryRef> dropped;
  const ProcessLock lock(ProcessLock::steps);
  dropped = entries_.clear();
}

TracedStep TraceCache::traced(const tempo_scan& call, bool in_training) {
  if (const EntryRef e = find(call, in_training)) {
    TracedStep found{e->recurrence, {}, e->draws};
    found.captured.reserve(e->sources.size() + call.n_sequences + call.n_states);
    const std::vector<Value*> constants = with_masks(call);
    for (const Source& s : e->sources)
      found.captured.push_back(Ref<Value>::share(s.weight ? s.weight : constants[s.constant]));
    return found;
  }
  TracedStep made = trace_step(call);
  const auto entry = std::make_shared<Entry>(call, in_training);
  if (!made.of_one_call && find_sources(made, call, *entry)) {
    entry->recurrence = made.recurrence;
    entry->draws = made.draws;
    keep(entry, call);
  }
  return made;
}

}  // namespace tempo
