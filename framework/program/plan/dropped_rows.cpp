// SPDX-License-Identifier: Apache-2.0
// Whether a run can leave out rows that have ended. If anything is not recognised here, the answer
// is no, and the run computes those rows, too.
#include <algorithm>
#include <set>

#include "ops/known.hpp"
#include "program/plan/surroundings.hpp"

namespace tempo {

namespace {

class DroppedRows {
 public:
  DroppedRows(const Program& program, const Plan& plan, const Surroundings& surroundings)
      : p_(program), plan_(plan), s_(surroundings) {}

  bool possible() const {
    const auto reads_rows_alone = [this](const std::vector<OutsideCall>& calls) {
      return std::all_of(calls.begin(), calls.end(), [this](const OutsideCall& call) {
        return call.how == OutsideCall::How::once || is_by_row(call);
      });
    };
    return plan_.independent_rows > 1 && s_.after_results.empty() && s_.sums.empty() &&
           all_slabs_have_rows() && lasts_are_states() && states_lie_apart() &&
           reads_rows_alone(s_.before) && reads_rows_alone(s_.after);
  }

 private:
  // Whether the shape is [batch, ..., n]. A value with one axis is a row that all rows read.
  bool has_rows(ValueId v) const {
    return p_.shape(v).rank() >= 2 && p_.shape(v)[0] == plan_.independent_rows;
  }

  bool all_slabs_have_rows() const {
    for (std::size_t n = 0; n < p_.values.size(); ++n) {
      const ValueId v{static_cast<int32_t>(n)};
      const std::optional<Region>& r = plan_.regions[v];
      if (r && plan_.blocks[r->block].kind == Block::slab && !has_rows(v)) return false;
      if (p_[v].batch_first && !has_rows(v)) return false;
    }
    return std::all_of(p_.results.begin(), p_.results.end(),
                       [this](const ProgramResult& r) {
                         return r.kind != ProgramResult::sequence || has_rows(r.value) ||
                                (p_.is_fixed(r.value) && !r.batch_first);
                       }) &&
           std::all_of(p_.carried.begin(), p_.carried.end(),
                       [this](ValueId v) { return has_rows(v); });
  }

  // A row that has ended keeps only its states as they were at its last step, so a last result must
  // be a state. A row without a step has the initial value, so it must be known of which state: one
  // that nothing reads is its own next value here, and another may have had the same next value.
  bool lasts_are_states() const {
    const bool all_read = std::equal(p_.next.begin(), p_.next.end(), p_.carried.begin(),
                                     [](ValueId next, ValueId state) { return next != state; });
    return std::all_of(s_.lasts.begin(), s_.lasts.end(), [&](const Delivery& d) {
      return std::count(p_.next.begin(), p_.next.end(), d.value) == 1 &&
             (all_read || p_.is_state(d.value));
    });
  }

  // If time runs backwards, each state gets its own initial value when a row begins.
  bool states_lie_apart() const {
    std::set<std::pair<std::size_t, std::size_t>> places;
    return std::all_of(s_.carried.begin(), s_.carried.end(), [&](const CarriedMove& c) {
      return c.copied || places.emplace(c.next.block, c.next.offset).second;
    });
  }

  // Whether a call over all steps of a stretch makes each row from that row, or sums over all rows.
  bool is_by_row(const OutsideCall& call) const {
    const Instruction& i = p_[call.instruction];
    const auto fits = [&](ValueId v) { return p_.is_fixed(v) || has_rows(v); };
    if (!std::all_of(i.inputs.begin(), i.inputs.end(), fits)) return false;
    if (i.summed) return !call.reads_rows && sums_all_rows(i);
    if (!std::all_of(i.outputs.begin(), i.outputs.end(), [&](ValueId v) { return has_rows(v); }))
      return false;
    if (i.op->pointwise) return rows_meet_rows(i);
    if (call.how == OutsideCall::How::step_by_step) return false;
    return is_product_of_rows(i) ||
           (!call.reads_rows &&
            (folds_rows(p_, i) || concatenates_columns(i) || splits_columns(i)));
  }
  // Axes are counted from the end: with fewer axes, rows would not meet rows.
  bool rows_meet_rows(const Instruction& i) const {
    return std::all_of(i.inputs.begin(), i.inputs.end(), [&](ValueId v) {
      return p_.is_fixed(v) || p_.shape(v).rank() == p_.shape(i.outputs[0]).rank();
    });
  }
  bool is_product_of_rows(const Instruction& i) const {
    const bool one_matrix = i.is(matmul_op) && !i.is_set("transpose_a") && of_matrices(i);
    return (one_matrix || i.is(block_matmul_op)) && !p_.is_fixed(i.inputs[0]) &&
           p_.is_fixed(i.inputs[1]);
  }
  bool sums_all_rows(const Instruction& i) const {
    const Shape& sum = p_.shape(i.outputs[0]);
    if (std::any_of(i.inputs.begin(), i.inputs.end(), [this](ValueId v) { return p_.is_fixed(v); }))
      return false;
    if (i.is(block_outer_op)) return true;
    if (i.is(matmul_op))
      return i.is_set("transpose_a") && !i.is_set("transpose_b") && of_matrices(i);
    return i.is(sum_to_op) && (sum.rank() < p_.shape(i.inputs[0]).rank() || sum[0] == 1);
  }
  bool of_matrices(const Instruction& i) const {
    return p_.shape(i.inputs[0]).rank() == 2 && p_.shape(i.inputs[1]).rank() == 2;
  }

  const Program& p_;
  const Plan& plan_;
  const Surroundings& s_;
};

}  // namespace

bool can_drop_rows(const Program& program, const Plan& plan, const Surroundings& surroundings) {
  return DroppedRows(program, plan, surroundings).possible();
}

}  // namespace tempo
