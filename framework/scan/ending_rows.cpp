// SPDX-License-Identifier: Apache-2.0
// Finds the lengths of rows in the values of a condition, and whether they are of use. What has a
// row for each of the batch and no time is sorted here; sequences are sorted where a run copies
// them anyway.
#include "scan/ending_rows.hpp"

#include <algorithm>

#include <tempo/ops.hpp>

namespace tempo {

namespace {

// Of each row how many steps there are up to the last one that counts.
std::vector<int64_t> lengths_of(const Value& condition, int64_t time) {
  const View all = condition.array.view();
  std::vector<int64_t> lengths;
  for (int64_t row = 0; row < all.shape()[0]; ++row) {
    const bool* const counts = all.as<const bool>() + row * time;
    int64_t n = time;
    while (n > 0 && !counts[n - 1]) --n;
    lengths.push_back(n);
  }
  return lengths;
}

// A gradient that reads what is neither of the step nor of its call does not say in which order its
// rows are.
bool reads_other_rows(const GradientProgram& gradient, int64_t batch) {
  return std::any_of(gradient.sources.begin(), gradient.sources.end(), [&](const auto& source) {
    const auto* other = std::get_if<OutsideValue>(&source);
    return other && other->value->type.shape.rank() > 0 && other->value->type.shape[0] == batch;
  });
}

// What a run leaves out is to be worth more than sorting, in multiplications and as a share.
bool pays(const Executable& executable, const EndingRows& rows, int64_t time) {
  constexpr int64_t enough = 1 << 17;
  if (EndedRows::current() == EndedRows::left_out) return true;
  const int64_t all = rows.rows() * time, left_out = all - rows.steps();
  return 16 * left_out >= all && executable.surroundings().work_per_row * left_out >= enough;
}

Ref<Value> taken(const Ref<Value>& table, const std::vector<int64_t>& rows) {
  return to_value(gather(to_tensor(table), tensor(rows, Shape{static_cast<int64_t>(rows.size())})));
}

}  // namespace

EndingRowsRef ending_rows(const TracedRecurrence& step, const TracedRecurrence& kept,
                          const std::vector<Ref<Value>>& inputs, int64_t time) {
  const auto traced = [](const Ref<Value>& v) { return v->trace != 0; };
  if (EndedRows::current() == EndedRows::unknown || time < 2 || !step.ends() ||
      std::any_of(inputs.begin(), inputs.end(), traced))
    return {};
  auto rows = std::make_shared<EndingRows>(lengths_of(*inputs[step.ends()->condition], time), time);
  if (!pays(step.optimised(), *rows, time) || !kept.for_ending_rows().drops_rows()) return {};
  if (&step != &kept && reads_other_rows(step.gradient(step.of_all()), rows->rows())) return {};
  return rows;
}

std::vector<Ref<Value>> apply_sorted(const TracedRecurrence& step, const RecurrenceRef& kept,
                                     std::vector<Ref<Value>> inputs, int64_t time,
                                     const EndingRowsRef& rows) {
  if (std::is_sorted(rows->order.begin(), rows->order.end()))
    return apply_recurrence(kept, std::move(inputs), time, rows);
  const Program& p = kept->normalised();
  const std::vector<bool>& by_row = step.ends()->by_row;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (i >= p.first_state() || (i < by_row.size() && by_row[i]))
      inputs[i] = taken(inputs[i], rows->order);
  std::vector<Ref<Value>> results = apply_recurrence(kept, std::move(inputs), time, rows);
  std::vector<int64_t> back(rows->order.size());
  for (std::size_t i = 0; i < back.size(); ++i)
    back[static_cast<std::size_t>(rows->order[i])] = static_cast<int64_t>(i);
  for (std::size_t r = 0; r < results.size(); ++r)
    if (p.results[r].kind == ProgramResult::last) results[r] = taken(results[r], back);
  return results;
}

}  // namespace tempo
