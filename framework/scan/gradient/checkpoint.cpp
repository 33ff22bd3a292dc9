// SPDX-License-Identifier: Apache-2.0
// Segments are the steps of an outer Program, whose one instruction is the Program over a segment.
// The values that its gradient reads are not kept, so they are computed again, as for any op.
#include "scan/gradient/checkpoint.hpp"

#include <algorithm>
#include <cmath>

#include <tempo/ops.hpp>

#include "program/builder.hpp"
#include "tensor/recent.hpp"

namespace tempo {

namespace {

struct Segments {
  int64_t length, count, rest;  // rest: the steps after the last segment, less than a segment
};

// About sqrt(time) segments of about sqrt(time) steps; without a rest if a nearby length has none.
Segments segments_of(int64_t time) {
  const auto root = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(time))));
  for (int64_t length = root; 2 * length <= 3 * root; ++length)
    if (time % length == 0) return {length, time / length, 0};
  return {root, time / root, time % root};
}

// The results of a step as written end with those of its states. (`next` does not find them: it is
// the state itself if no step reads that state.)
std::size_t result_of_state(const Program& p, std::size_t k) {
  return p.results.size() - p.carried.size() + k;
}

// The same recurrence with time as the first axis of all sequences.
RecurrenceRef with_time_first(const RecurrenceRef& recurrence) {
  Program p = recurrence->normalised();
  for (ProgramValue& v : p.values) v.batch_first = false;
  for (ProgramResult& r : p.results) r.batch_first = false;
  return std::make_shared<TracedRecurrence>(std::move(p), recurrence->nodes());
}

RecurrenceRef over_segments(const RecurrenceRef& recurrence, int64_t length) {
  const Program& p = recurrence->normalised();
  ProgramBuilder builder;
  {
    Trace trace;
    std::vector<Ref<Value>> inputs;
    for (std::size_t i = 0; i < p.n_inputs(); ++i) {
      const ProgramValue& v = p[p.input(i)];
      TensorType type = v.type;
      if (v.role == Role::sequence) type.shape = type.shape.prepended(length);
      inputs.push_back(trace.placeholder(type));
      builder.input(v.role, inputs.back(), v.name);
    }
    const std::vector<Ref<Value>> results = apply_recurrence(recurrence, std::move(inputs), length);
    for (const Ref<Application>& a : trace.applications()) builder.add(*a);
    for (std::size_t r = 0; r < results.size(); ++r)
      builder.program.results.push_back({p.results[r].kind, builder.at(*results[r])});
    for (std::size_t k = 0; k < p.carried.size(); ++k)
      builder.program.next.push_back(builder.at(*results[result_of_state(p, k)]));
  }
  builder.program.reverse = p.reverse;
  settle_roles(builder.program);
  return std::make_shared<TracedRecurrence>(std::move(builder.program), std::move(builder.nodes));
}

struct Segmented {
  RecurrenceRef whole, steps, segments;  // steps: with time first; segments: made of those
  int64_t length;
};

// Made once for each Program and length.
Segmented segmented(const RecurrenceRef& recurrence, int64_t length) {
  static Recent<Segmented>& recent = *new Recent<Segmented>(32);
  const auto same = [&](const Segmented& s) { return s.whole == recurrence && s.length == length; };
  return recent_or_made(recent, same, [&] {
    const RecurrenceRef steps = with_time_first(recurrence);
    return Segmented{recurrence, steps, over_segments(steps, length), length};
  });
}

std::vector<Ref<Value>> apply_keeping(const RecurrenceRef& recurrence,
                                      std::vector<Ref<Value>> inputs, int64_t time) {
  std::vector<Ref<Value>> results = apply_recurrence(
      recurrence->keeping(recurrence->read_by_gradient()), std::move(inputs), time);
  results.resize(recurrence->normalised().results.size());
  return results;
}

Ref<Value> turned(const Ref<Value>& sequence, bool batch_first) {
  return batch_first ? to_value(swap_axes(to_tensor(sequence), 0, 1)) : sequence;
}

Ref<Value> cut(const Ref<Value>& sequence, int64_t begin, int64_t end) {
  const Tensor all = to_tensor(sequence);
  return end - begin == all.shape()[0] ? sequence : to_value(slice(all, 0, begin, end));
}

// [time, ...] as [segments, length, ...], and back.
Ref<Value> folded(const Ref<Value>& sequence, const Segments& s) {
  return to_value(
      reshape(to_tensor(sequence),
              sequence->type.shape.without_first().prepended(s.length).prepended(s.count)));
}
Ref<Value> unfolded(const Ref<Value>& sequence) {
  const Shape& shape = sequence->type.shape;
  return to_value(reshape(to_tensor(sequence),
                          shape.without_first().without_first().prepended(shape[0] * shape[1])));
}

// Result r of the segments joined with that of the rest after them.
Ref<Value> joined(const Program& p, std::size_t r, const Ref<Value>& segments,
                  const Ref<Value>& rest) {
  const Tensor before = to_tensor(segments), now = to_tensor(rest);
  switch (p.results[r].kind) {
    case ProgramResult::last: return rest;
    case ProgramResult::sum: return to_value(before + now);
    case ProgramResult::sequence: break;
  }
  return to_value(p.reverse ? concat({now, before}, 0) : concat({before, now}, 0));
}

}  // namespace

std::vector<Ref<Value>> apply_in_segments(const RecurrenceRef& recurrence,
                                          std::vector<Ref<Value>> inputs, int64_t time) {
  const Program& p = recurrence->normalised();
  const std::size_t first = p.fixed.size(), first_state = p.first_state();
  const Segments s = segments_of(time);
  const Segmented programs = segmented(recurrence, s.length);
  for (std::size_t i = first; i < first_state; ++i)
    inputs[i] = turned(inputs[i], p[p.input(i)].batch_first);
  const int64_t split = p.reverse ? s.rest : time - s.rest;  // the rest is run last
  const auto with_sequences = [&](const auto& part) {
    std::vector<Ref<Value>> out = inputs;
    for (std::size_t i = first; i < first_state; ++i) out[i] = part(inputs[i]);
    return out;
  };
  std::vector<Ref<Value>> results =
      apply_keeping(programs.segments, with_sequences([&](const Ref<Value>& x) {
                      return folded(p.reverse ? cut(x, split, time) : cut(x, 0, split), s);
                    }),
                    s.count);
  for (std::size_t r = 0; r < results.size(); ++r)
    if (p.results[r].kind == ProgramResult::sequence) results[r] = unfolded(results[r]);
  if (s.rest > 0) {
    std::vector<Ref<Value>> rest = with_sequences(
        [&](const Ref<Value>& x) { return p.reverse ? cut(x, 0, split) : cut(x, split, time); });
    for (std::size_t k = 0; k < p.carried.size(); ++k)
      rest[first_state + k] = results[result_of_state(p, k)];
    const std::vector<Ref<Value>> last = apply_keeping(programs.steps, std::move(rest), s.rest);
    for (std::size_t r = 0; r < results.size(); ++r) results[r] = joined(p, r, results[r], last[r]);
  }
  for (std::size_t r = 0; r < results.size(); ++r)
    results[r] = turned(results[r], p.results[r].batch_first);
  return results;
}

}  // namespace tempo
