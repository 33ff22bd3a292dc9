// SPDX-License-Identifier: Apache-2.0
// Makes the normalised step and everything that is derived from it.
#include "scan/recurrence.hpp"

#include <algorithm>

#include "program/builder.hpp"
#include "program/passes/pipelines.hpp"
#include "program/value_set.hpp"
#include "scan/parts/parts.hpp"

namespace tempo {

namespace {

std::optional<std::size_t> place_of_condition(const Program& p) {
  const std::optional<ValueId> condition = leaves_rows_alone(p);
  if (!condition) return {};
  std::size_t i = 0;
  while (p.input(i) != *condition) ++i;
  return i;
}

// With one row, [batch, time, ...] and [time, batch, ...] are the same bytes: a run reads and
// writes the caller's sequences directly. A sequence that is read outside of the loop is copied all
// the same, which brings it into the cache in order.
Program in_place(Program p) {
  const auto many_rows = [&p](ValueId v) { return p.shape(v)[0] != 1; };
  ValueSet outside;
  for (const Section section : {Section::before, Section::after})
    for (const Instruction& i : p.section(section)) outside.insert(i.inputs);
  for (ValueId v : p.sequences)
    p[v].batch_first = p[v].batch_first && (many_rows(v) || outside.contains(v));
  for (ProgramResult& r : p.results) r.batch_first = r.batch_first && many_rows(r.value);
  return p;
}

Program passed(Program p, bool in_int8) {
  if (in_int8) p = run_passes(for_int8, std::move(p));
  return run_passes(for_scan, std::move(p));
}

}  // namespace

RecurrenceRef make_recurrence(Program as_written, std::vector<Ref<Value>> nodes) {
  const std::optional<std::size_t> condition = place_of_condition(as_written);
  const Program rewritten = run_passes(before_gradient, as_written);
  if (key_of(rewritten) == key_of(as_written))
    return std::make_shared<TracedRecurrence>(std::move(as_written), std::move(nodes), condition);
  ProgramBuilder again = traced_again(rewritten);
  return std::make_shared<TracedRecurrence>(std::move(again.program), std::move(again.nodes),
                                            condition, std::move(as_written));
}

const Executable& TracedRecurrence::optimised(bool in_int8) const {
  return optimised_.get(in_int8, [&] {
    Program p = passed(normalised_, in_int8);
    Executable made(p);
    // If rows end, steps that do not count are taken out, so sequences cannot stay in place.
    if (condition_ || !made.plan().channels) return made;
    return Executable(in_place(std::move(p)));
  });
}

const TracedRecurrence& recurrence_of(const Attributes& attributes) {
  return *static_cast<const TracedRecurrence*>(attributes.handle("program").get());
}

const Executable& TracedRecurrence::for_ending_rows(bool in_int8) const {
  const Executable& made = leaves_rows_out_.get(in_int8, [&] {
    if (condition_) {
      Program p = without_condition(normalised_, normalised_.input(*condition_));
      Executable unconditioned(passed(std::move(p), in_int8), true);
      if (unconditioned.surroundings().drops_rows) return unconditioned;
    }
    return Executable(optimised(in_int8).program(), true);
  });
  return made.drops_rows() ? made : optimised(in_int8);
}

const std::optional<std::vector<bool>>& TracedRecurrence::by_row() const {
  return by_row_.get([&]() -> std::optional<std::vector<bool>> {
    if (!condition_) return {};
    const Program& p = as_written();
    return fixed_by_row(p, p.shape(p.input(*condition_))[0]);
  });
}

RecurrenceRef TracedRecurrence::keeping(const ValueIds& values) const {
  if (values.empty()) return shared_from_this();
  return keeping_.get(values, [&] {
    Program more = normalised_;
    for (ValueId v : values) more.results.push_back({ProgramResult::sequence, v});
    return std::make_shared<const TracedRecurrence>(std::move(more), nodes_, condition_);
  });
}

const std::shared_ptr<const RecurrenceParts>& TracedRecurrence::in_parts() const {
  return in_parts_.get([&] { return parts_of(*this); });
}

const GradientProgram& TracedRecurrence::gradient(const GradientRequest& request) const {
  return gradients_.get(request, [&] {
    const ValueIds kept = request == of_all() ? ValueIds{} : read_by_gradient();
    return differentiate(*this, request, kept);
  });
}

GradientRequest TracedRecurrence::of_all() const {
  GradientRequest all;
  for (const ProgramResult& r : normalised_.results)
    all.dy.push_back(is_floating(normalised_.type(r.value).dtype));
  for (std::size_t i = 0; i < normalised_.n_inputs(); ++i)
    all.wanted.push_back(is_floating(normalised_.type(normalised_.input(i)).dtype));
  return all;
}

const ValueIds& TracedRecurrence::read_by_gradient() const {
  return read_by_gradient_.get([&] {
    ValueIds read;
    for (const GradientSource& s : gradient(of_all()).sources)
      if (const auto* kept = std::get_if<KeptValue>(&s)) read.push_back(kept->value);
    return read;
  });
}

}  // namespace tempo
