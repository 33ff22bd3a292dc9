// SPDX-License-Identifier: Apache-2.0
// Sorts rows by length, and finds from a step as written whether its rows may end.
#include "program/run/rows/ending_rows.hpp"

#include <algorithm>
#include <numeric>

#include "ops/known.hpp"
#include "program/uses.hpp"

namespace tempo {

thread_local EndedRows::How EndedRows::current_ = EndedRows::left_out_where_it_pays;

EndingRows::EndingRows(const bool* counts, int64_t batch, int64_t time)
    : order(static_cast<std::size_t>(batch)), running(static_cast<std::size_t>(time) + 1) {
  std::vector<int64_t> of_caller;
  bool gaps = false;
  for (const bool* row = counts; row != counts + batch * time; row += time) {
    of_caller.push_back(std::count(row, row + time, true));
    gaps |= std::find(row, row + of_caller.back(), false) != row + of_caller.back();
  }
  const auto length = [&](int64_t row) { return of_caller[static_cast<std::size_t>(row)]; };
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return length(a) > length(b); });
  for (int64_t row : order) lengths.push_back(length(row));
  int64_t n = rows();
  for (int64_t t = 0; t <= time; ++t) {
    while (n > 0 && lengths[static_cast<std::size_t>(n - 1)] <= t) --n;
    running[static_cast<std::size_t>(t)] = n;
  }
  before.push_back(0);
  for (int64_t t = 0; t < time; ++t)
    before.push_back(before.back() + running[static_cast<std::size_t>(t)]);
  if (gaps)
    for (int64_t row : order)
      for (const bool counted : {true, false})
        for (int64_t t = 0; t < time; ++t)
          if (counts[row * time + t] == counted) times.push_back(t);
}

namespace {

// The condition of `made` = where(condition, ..., other), if it is one. The condition is [batch, 1]
// or has as many axes as `made`: with fewer, its first axis would not meet the batch.
std::optional<ValueId> condition_for(const Uses& uses, ValueId made,
                                     const std::function<bool(ValueId)>& other) {
  const Instruction* i = uses.maker(made);
  if (!i || !i->is(where_op) || !other(i->inputs[2])) return {};
  const Program& p = uses.program();
  ValueId condition = i->inputs[0];
  const Shape &shape = p.shape(condition), &rows = p.shape(made);
  if (shape.rank() != rows.rank() || shape.rank() < 2 || shape[0] != shape.count() ||
      shape[0] != rows[0])
    return {};
  for (const Instruction* view = uses.maker(condition); view && view->is(reshape_op);
       view = uses.maker(condition))
    condition = view->inputs[0];
  return condition;
}

bool is_zero(const Uses& uses, ValueId v) {
  const Instruction* i = uses.maker(v);
  return i && i->is(fill_op) && i->attributes.real("value") == 0;
}

}  // namespace

std::optional<ValueId> leaves_rows_alone(const Program& p) {
  const Uses uses(p);
  std::optional<ValueId> found;
  const auto same = [&found](std::optional<ValueId> condition) {
    if (!condition || (found && found != condition)) return false;
    found = condition;
    return true;
  };
  for (std::size_t k = 0; k < p.carried.size(); ++k)
    if (!same(condition_for(uses, p.next[k], [&](ValueId v) { return v == p.carried[k]; })))
      return {};
  for (const ProgramResult& r : p.results) {
    const bool is_state = std::find(p.next.begin(), p.next.end(), r.value) != p.next.end();
    if (r.kind == ProgramResult::last
            ? !is_state
            : !same(condition_for(uses, r.value, [&](ValueId v) { return is_zero(uses, v); })))
      return {};
  }
  const bool of_rows =
      found && p[*found].batch_first && p.shape(*found).rank() == 2 && p.shape(*found)[1] == 1;
  const bool all_have_rows = std::all_of(p.sequences.begin(), p.sequences.end(),
                                         [&p](ValueId v) { return p[v].batch_first; });
  return of_rows && all_have_rows ? found : std::nullopt;
}

namespace {

// From the last instruction to the first: results by row are made from operands by row.
class ByRow {
 public:
  ByRow(const Program& program, int64_t batch)
      : uses_(program), p_(program), batch_(batch), turned_(made_by_transposes(program)) {}

  std::optional<std::vector<bool>> find() {
    for (auto i = p_.loop.rbegin(); i != p_.loop.rend(); ++i)
      if (!read(*i)) return {};
    for (const ProgramResult& r : p_.results)
      if (p_.is_fixed(r.value) && begins_with_rows(r.value)) return {};
    std::vector<bool> found;
    for (ValueId v : p_.fixed) {
      if (by_row_.contains(v) && whole_.contains(v)) return {};
      found.push_back(by_row_.contains(v));
    }
    return found;
  }

 private:
  bool begins_with_rows(ValueId v) const {
    return p_.shape(v).rank() >= 2 && p_.shape(v)[0] == batch_;
  }
  // Whether the use of each fixed operand is known: the same for all rows, or one row for each.
  bool read(const Instruction& i) {
    for (ValueId v : i.outputs)
      if (by_row_.contains(v) && whole_.contains(v)) return false;
    if (p_.is_fixed(i)) return read_fixed(i);
    for (std::size_t k = 0; k < (has_rule(i) ? 1 : i.inputs.size()); ++k) {
      const ValueId v = i.inputs[k];
      if (!p_.is_fixed(v)) continue;
      if (is_same_for_all_rows(i, k))
        whole_.insert(v);
      else if (begins_with_rows(v) && keeps_rows(i))
        by_row_.insert(v);
      else
        return false;
    }
    return true;
  }
  // A result of fixed values has batch rows if its operands have.
  bool read_fixed(const Instruction& i) {
    const bool makes_rows = by_row_.contains_any(i.outputs);
    if (makes_rows && !i.inputs.empty() && !keeps_rows(i)) return false;
    for (std::size_t k = 0; k < i.inputs.size(); ++k) {
      const ValueId v = i.inputs[k];
      const bool right_side = is_product(uses_, i) && k == 1;
      if (!makes_rows || right_side || is_the_same_for_each_row_of(i, v))
        whole_.insert(v);
      else if (begins_with_rows(v))
        by_row_.insert(v);
      else
        return false;
    }
    return true;
  }

  bool is_same_for_all_rows(const Instruction& i, std::size_t k) const {
    const ValueId v = i.inputs[k];
    if (p_.shape(v).count() == 1) return true;
    if (k == 1 && (i.is(matmul_op) || i.is(block_matmul_op))) return is_one_matrix_for_all(i);
    return i.op->pointwise && is_the_same_for_each_row_of(i, v);
  }
  // Whether it is one matrix, or one for each head: a result [heads, batch, n] has rows in heads.
  bool is_one_matrix_for_all(const Instruction& i) const {
    const Shape &right = p_.shape(i.inputs[1]), &made = p_.shape(i.outputs[0]);
    if (i.is(block_matmul_op) || right.rank() <= 2) return true;
    if (made[0] == batch_) return right.rank() < made.rank() || right[0] == 1;
    return made[-2] % batch_ == 0;
  }
  // The result has equally many elements for each row, row by row. An operand repeated along its
  // last axes is the same for all rows if each row holds a whole number of repetitions.
  bool is_the_same_for_each_row_of(const Instruction& i, ValueId v) const {
    const Shape &made = p_.shape(i.outputs[0]), &read = p_.shape(v);
    int rank = read.rank();
    while (rank > 0 && read[read.rank() - rank] == 1) --rank;
    if (turned_.contains_any(i.inputs)) return rank == 0 || (rank == 1 && made.back() != batch_);
    int64_t spread_over = 1;
    for (int axis = 1; axis <= rank; ++axis) spread_over *= made[-axis];
    return made.count() % batch_ == 0 && spread_over > 0 &&
           (made.count() / batch_) % spread_over == 0;
  }
  bool keeps_rows(const Instruction& i) const {
    const bool own = i.op->pointwise || i.is(broadcast_to_op) || is_product(uses_, i) ||
                     folds_rows(p_, i) || concatenates_columns(i) || splits_columns(i);
    return own && std::all_of(i.outputs.begin(), i.outputs.end(), [&](ValueId v) {
             return p_.shape(v).rank() == 2 && p_.shape(v)[0] == batch_;
           });
  }

  // In the results of these, rows may be in another order.
  static ValueSet made_by_transposes(const Program& p) {
    return computed_from(
        p.loop, {}, [&p](const Instruction& i) { return i.is(transpose_op) && !p.is_fixed(i); });
  }

  const Uses uses_;
  const Program& p_;
  int64_t batch_;
  ValueSet turned_, by_row_, whole_;
};

}  // namespace

bool has_rule(const Instruction& i) { return !i.op->kernel && i.inputs.size() > 1; }

std::optional<std::vector<bool>> fixed_by_row(const Program& program, int64_t batch) {
  return ByRow(program, batch).find();
}

}  // namespace tempo
