// SPDX-License-Identifier: Apache-2.0
// Finds from the values of a condition which steps of each row count, and whether sorting pays.
// Fixed values with a row for each sequence, and states, are sorted here; sequences are sorted
// where a run copies them anyway.
#include "scan/rows/ending_rows.hpp"

#include <algorithm>

#include <tempo/ops.hpp>

#include "graph/trace.hpp"

namespace tempo {

namespace {

// A gradient that reads a value from outside of the step and its call: the order of that value's
// rows is unknown.
bool reads_other_rows(const GradientProgram& gradient, int64_t batch) {
  return std::any_of(gradient.sources.begin(), gradient.sources.end(), [&](const auto& source) {
    const auto* other = std::get_if<OutsideValue>(&source);
    return other && other->value->type.shape.rank() > 0 && other->value->type.shape[0] == batch;
  });
}

// A rule of custom_gradient may use rows in other ways than the step: it may read a number for each
// row, or mix rows.
bool rules_keep_rows(const TracedRecurrence& step, const GradientProgram& gradient) {
  const std::vector<Instruction>& loop = step.as_written().loop;
  if (std::none_of(loop.begin(), loop.end(), has_rule)) return true;
  const auto& by_row = gradient.recurrence->by_row();
  if (!by_row || !gradient.recurrence->for_ending_rows().drops_rows()) return false;
  for (std::size_t i = 0; i < by_row->size(); ++i) {
    const auto* input = std::get_if<ForwardInput>(&gradient.sources[i]);
    const bool sorted =
        input && input->index < step.by_row()->size() && (*step.by_row())[input->index];
    if ((*by_row)[i] != sorted) return false;
  }
  return true;
}

// Sorting must cost less than it saves: the steps that are left out, in multiplications and as a
// share of all; or else the conditions of all steps.
bool pays(const Executable& executable, const EndingRows& rows) {
  constexpr int64_t enough = 1 << 17, enough_of_conditions = 1 << 20;
  if (EndedRows::current() == EndedRows::left_out) return true;
  const int64_t all = rows.rows() * rows.time(), left_out = all - rows.steps(),
                work = executable.surroundings().work_per_row;
  return work * all >= enough_of_conditions || (16 * left_out >= all && work * left_out >= enough);
}

Ref<Value> taken(const Ref<Value>& table, const std::vector<int64_t>& rows) {
  return to_value(gather(to_tensor(table), tensor(rows, Shape{static_cast<int64_t>(rows.size())})));
}

}  // namespace

EndingRowsRef ending_rows(const TracedRecurrence& step, const TracedRecurrence& kept,
                          const std::vector<Ref<Value>>& inputs, int64_t time, bool gradient) {
  const auto traced = [](const Ref<Value>& v) { return !may_go_by(*v); };
  if (EndedRows::current() == EndedRows::unknown || time < 2 || !step.by_row() ||
      std::any_of(inputs.begin(), inputs.end(), traced))
    return {};
  const View counts = inputs[*step.condition()]->array.view();
  auto rows = std::make_shared<EndingRows>(counts.as<const bool>(), counts.shape()[0], time);
  if (!pays(step.optimised(), *rows) || !kept.for_ending_rows().drops_rows()) return {};
  if (!gradient) return rows;
  const GradientProgram& of_all = step.gradient(step.of_all());
  if (reads_other_rows(of_all, rows->rows()) || !rules_keep_rows(step, of_all)) return {};
  return rows;
}

std::vector<Ref<Value>> apply_sorted(const TracedRecurrence& step, const RecurrenceRef& kept,
                                     std::vector<Ref<Value>> inputs, int64_t time,
                                     const EndingRowsRef& rows) {
  if (std::is_sorted(rows->order.begin(), rows->order.end()))
    return apply_recurrence(kept, std::move(inputs), time, {rows});
  const Program& p = kept->normalised();
  const std::vector<bool>& by_row = *step.by_row();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (i >= p.first_state() || (i < by_row.size() && by_row[i]))
      inputs[i] = taken(inputs[i], rows->order);
  std::vector<Ref<Value>> results = apply_recurrence(kept, std::move(inputs), time, {rows});
  std::vector<int64_t> back(rows->order.size());
  for (std::size_t i = 0; i < back.size(); ++i)
    back[static_cast<std::size_t>(rows->order[i])] = static_cast<int64_t>(i);
  for (std::size_t r = 0; r < results.size(); ++r)
    if (p.results[r].kind == ProgramResult::last) results[r] = taken(results[r], back);
  return results;
}

}  // namespace tempo
