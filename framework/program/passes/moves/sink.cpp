// SPDX-License-Identifier: Apache-2.0
// An elementwise op moves only if that needs no further slab: after the loop it would read from
// memory, inside the loop from the cache. It also moves with a product of few rows, which is faster
// over all steps. A linear op runs once, on sums.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

// Runs from the last instruction to the first, so that all readers of a value are known when its
// maker is placed.
class Sink {
 public:
  explicit Sink(Program p) : p_(std::move(p)), sum_of_(p_), made_at_(p_) {
    note_readers();
    const ValueSet bound = needed_for(p_.loop, loop_);
    follows_ = computed_from(p_.loop, {}, [&](const Instruction& i) {
      return !bound.contains_any(i.outputs) && i.is(matmul_op) && !i.is_set("transpose_a") &&
             p_.is_fixed(i.inputs[1]) && !p_.is_fixed(i.inputs[0]) &&
             p_.shape(i.inputs[0]).rank() == 2 && p_.shape(i.inputs[1]).rank() == 2 &&
             is_faster_over_time(p_, i);
    });
  }

  Program run() {
    ValueIds there;
    for (std::size_t i = 0; i < p_.n_inputs(); ++i) there.push_back(p_.input(i));
    for (const Instruction& i : p_.before)
      there.insert(there.end(), i.outputs.begin(), i.outputs.end());
    for (std::size_t k = p_.loop.size(); k-- > 0;) settle(std::move(p_.loop[k]));
    for (ValueId v : there) sum_slab(v);
    for (ProgramResult& r : p_.results)
      if (r.kind == ProgramResult::sum) r.value = sum_of(r.value);
    std::reverse(stay_.begin(), stay_.end());
    std::reverse(moved_.begin(), moved_.end());
    p_.loop = std::move(stay_);
    p_.before.insert(p_.before.end(), fixed_.rbegin(), fixed_.rend());
    for (Moved& m : moved_) {
      if (m.on_sums)
        for (ValueId& v : m.instruction.inputs) v = sum_of(v);
      p_.after.push_back(std::move(m.instruction));
    }
    return std::move(p_);
  }

 private:
  struct Moved {
    Instruction instruction;
    bool on_sums;  // whether it reads the sums over time of its inputs
  };

  ValueId sum_of(ValueId v) const { return sum_of_[v].value_or(v); }

  void note_readers() {
    for (std::size_t k = 0; k < p_.loop.size(); ++k)
      for (ValueId v : p_.loop[k].outputs) made_at_[v] = k;
    loop_.insert(p_.next);
    slab_.insert(p_.fixed);
    slab_.insert(p_.sequences);
    for (const Instruction& i : p_.before) slab_.insert(i.outputs);
    for (const ProgramResult& r : p_.results) {
      if (r.kind == ProgramResult::sequence) slab_.insert(r.value);
      if (r.kind == ProgramResult::last) loop_.insert(r.value);
      if (r.kind == ProgramResult::sum && !p_.is_fixed(r.value)) summed_.insert(r.value);
    }
  }

  void settle(Instruction i) {
    if (p_.is_fixed(i)) return fixed_.push_back(std::move(i));
    const bool only_summed = summed_.contains_any(i.outputs) && !loop_.contains_any(i.outputs) &&
                             !slab_.contains_any(i.outputs);
    const bool of_steps = reads_steps_alone(p_, i);
    if (only_summed && (of_steps ? i.op->linear : scales_sum(i)))
      return apply_to_sums(std::move(i));
    if (only_summed && of_steps && sums_over_time(p_, i)) return sum(std::move(i));
    const bool moves = !loop_.contains_any(i.outputs) && slab_.contains_any(i.outputs) &&
                       (slab_.contains_all(i.inputs) || follows_.contains_any(i.outputs) ||
                        (i.op->leading_axis != LeadingAxis::changes && !is_light(p_, i)));
    if (moves) slab_.insert(i.outputs);
    for (ValueId v : i.outputs) {
      if (slab_.contains(v))
        sum_slab(v);
      else
        sum_in_loop(v);
    }
    (moves ? slab_ : loop_).insert(i.inputs);
    if (moves)
      moved_.push_back({std::move(i), false});
    else
      stay_.push_back(std::move(i));
  }

  // Whether it multiplies a fixed value by a value that its maker sums over time, such as the
  // gradient of a weight, or by a row that exists for every step. A value with batch rows is better
  // summed over its rows, too.
  bool scales_sum(const Instruction& i) const {
    if (!i.is(multiply_op)) return false;
    ValueId v = i.inputs[p_.is_fixed(i.inputs[0]) ? 1 : 0];
    const bool one_row = rows_of(p_.shape(v)) == 1;
    for (;;) {
      if (one_row && slab_.contains(v)) return true;
      if (!made_at_[v]) return false;
      const Instruction& made = p_.loop[*made_at_[v]];
      if (sums_over_time(p_, made)) return true;
      if (!made.op->linear || made.inputs.size() != 1) return false;
      v = made.inputs[0];
    }
  }

  // For a linear op, the results on the sums of its inputs are the sums of its results.
  void apply_to_sums(Instruction i) {
    summed_.insert(i.inputs);
    for (ValueId v : i.outputs) p_[v].role = Role::fixed;
    moved_.push_back({std::move(i), true});
  }
  void sum(Instruction i) {
    i.summed = true;
    slab_.insert(i.inputs);
    p_[i.outputs[0]].role = Role::fixed;
    moved_.push_back({std::move(i), false});
  }

  // Sums a value with a slab: in the readers that can sum as they run, else after the loop.
  void sum_slab(ValueId v) {
    if (!summed_.contains(v) || p_.is_fixed(v) || sum_of_[v]) return;
    bool needed = is_result(v);
    for (Moved& m : moved_) {
      Instruction& i = m.instruction;
      if (!m.on_sums || !i.reads(v)) continue;
      if (i.op->summed && i.inputs.size() == 1) {
        i.summed = true;
        m.on_sums = false;
      } else {
        needed = true;
      }
    }
    if (!needed) return;
    moved_.push_back(
        {{&sum_to_op, shape_attribute(p_.shape(v)), {v}, {new_sum_of(v)}, true}, false});
  }
  bool is_result(ValueId v) const {
    return std::any_of(p_.results.begin(), p_.results.end(), [v](const ProgramResult& r) {
      return r.kind == ProgramResult::sum && r.value == v;
    });
  }
  // Sums a value that only the loop has: the sum grows in place, from zeros.
  void sum_in_loop(ValueId v) {
    if (!summed_.contains(v) || p_.is_fixed(v)) return;
    const TensorType type = p_.type(v);
    const ValueId zeros = p_.add_value(Role::fixed, type), running = new_sum_of(v);
    p_.before.push_back({&fill_op,
                         {{"value", 0.0},
                          {"shape", std::vector<int64_t>(type.shape.begin(), type.shape.end())},
                          {"dtype", static_cast<int64_t>(type.dtype)}},
                         {},
                         {zeros}});
    stay_.push_back({&add_op, {}, {zeros, v}, {running}, true});
    if (is_result(v))
      moved_.push_back(
          {{&sum_to_op, shape_attribute(p_.shape(v)), {running}, {new_sum_of(v)}}, false});
  }
  ValueId new_sum_of(ValueId v) {
    sum_of_[v] = p_.add_value(Role::fixed, p_.type(v));
    return *sum_of_[v];
  }

  Program p_;
  ValueSet loop_;     // values that the loop reads, next states, and last results
  ValueSet slab_;     // values that exist for every step: inputs, results, or read after the loop
  ValueSet summed_;   // values whose sums over time are read
  ValueSet follows_;  // results of products of few rows, and values computed from them
  ValueTable<std::optional<ValueId>> sum_of_;  // the value that is its sum, if it is another one
  ValueTable<std::optional<std::size_t>> made_at_;  // its place in the loop as given
  std::vector<Instruction> fixed_, stay_;
  std::vector<Moved> moved_;
};

}  // namespace

Program sink(Program p) { return Sink(std::move(p)).run(); }

}  // namespace tempo
