// SPDX-License-Identifier: Apache-2.0
// Cuts the step of a recurrence in three parts, which run over all of time one after the other.
// Each matrix of a state then goes through time alone: it stays in the first-level cache, with only
// the vectors that it meets, and its part alone is computed again for the gradient.
#include "scan/parts/parts.hpp"

#include <algorithm>
#include <array>

#include "ops/known.hpp"
#include "program/builder.hpp"
#include "scan/gradient/checkpoint.hpp"
#include "scan/parts/unshared.hpp"

namespace tempo {

namespace {

enum Where : std::size_t { ahead, matrices, behind, n_parts };

class Cutter {
 public:
  explicit Cutter(const Program& p) : p_(p), made_in_(p, behind) {}

  std::shared_ptr<const RecurrenceParts> cut() {
    if (!find_matrices()) return nullptr;
    find_places();
    if (!states_end_where_they_are()) return nullptr;
    for (std::size_t k = 0; k < p_.results.size(); ++k) ask(made_in_[p_.results[k].value], k);
    for (const Where w : {behind, matrices, ahead}) gather(w);
    if (!can_be_sent()) return nullptr;
    RecurrenceRef core = recurrence_of(matrices);
    if (core->optimised().plan().parts_together == 0) return nullptr;
    auto out = std::make_shared<RecurrenceParts>();
    out->results.resize(p_.results.size());
    for (const Where w : {ahead, matrices, behind}) {
      if (parts_[w].program.results.empty()) continue;
      number_[w] = out->parts.size();
      out->parts.push_back({w == matrices ? core : recurrence_of(w), inputs_of(w), w == matrices});
      for (std::size_t r = 0; r < parts_[w].original.size(); ++r)
        if (const auto k = parts_[w].original[r]) out->results[*k] = {number_[w], r};
    }
    return out;
  }

 private:
  struct Part {
    Program program;
    ValueSet asked;                                    // read from earlier parts, as sequences
    std::vector<std::optional<std::size_t>> original;  // for each result: its index in the whole
    std::vector<std::size_t> states;
  };

  // --- the part of each value

  bool is_matrix(ValueId v) const {
    return std::any_of(states_.begin(), states_.end(),
                       [&](ValueId s) { return p_.shape(s) == p_.shape(v); });
  }
  bool has_matrices(const Instruction& i) const {
    const auto matrix = [this](ValueId v) { return !p_.is_fixed(v) && is_matrix(v); };
    return std::any_of(i.inputs.begin(), i.inputs.end(), matrix) ||
           std::any_of(i.outputs.begin(), i.outputs.end(), matrix);
  }

  // Finds the matrix states; they must meet vectors, in a product or an outer product.
  bool find_matrices() {
    for (ValueId v : p_.carried)
      if (is_of_matrix_state(p_, p_.shape(v))) states_.push_back(v);
    return std::any_of(p_.loop.begin(), p_.loop.end(), [&](const Instruction& i) {
      const auto is_vector = [&](ValueId v) {
        const Shape& s = p_.shape(v);
        return s.rank() >= 3 && (s[-1] == 1) != (s[-2] == 1);
      };
      return (i.is(matmul_op) || i.is(multiply_op)) && has_matrices(i) &&
             std::any_of(i.inputs.begin(), i.inputs.end(), is_vector);
    });
  }

  void find_places() {
    ValueSet with_matrices(states_);
    for (const Instruction& i : p_.loop)
      if (has_matrices(i)) with_matrices.insert(i.outputs);
    const auto of_states = [&](const auto& changes) {  // until no further state changes
      while (std::any_of(p_.carried.begin(), p_.carried.end(), changes)) {
      }
    };
    ValueSet follow = computed_from(p_.loop, with_matrices), needed;
    of_states([&](ValueId v) {
      if (follow.contains(v) || !follow.contains(next_of(v))) return false;
      follow.insert(v);
      follow = computed_from(p_.loop, follow);
      return true;
    });
    for (ValueId v : states_) needed.insert(next_of(v));
    for (const Instruction& i : p_.loop)
      if (has_matrices(i)) needed.insert(i.outputs);
    needed = needed_for(p_.loop, needed);
    of_states([&](ValueId v) {
      if (!follow.contains(v) || !needed.contains(v) || needed.contains(next_of(v))) return false;
      needed.insert(next_of(v));
      needed = needed_for(p_.loop, needed);
      return true;
    });
    for (const Instruction& i : p_.loop)  // all its results go where the first of them is read
      for (ValueId v : i.outputs) made_in_[v] = place_of(i.outputs, follow, needed);
    for (ValueId v : p_.fixed) made_in_[v] = ahead;
    for (ValueId v : p_.sequences) made_in_[v] = ahead;
    for (std::size_t k = 0; k < p_.carried.size(); ++k) {
      const ValueId v = p_.carried[k];
      made_in_[v] = is_matrix(v) ? matrices : place_of({v}, follow, needed);
      parts_[made_in_[v]].states.push_back(k);
    }
  }
  static Where place_of(const ValueIds& made, const ValueSet& follow, const ValueSet& needed) {
    return !follow.contains_any(made) ? ahead : needed.contains_any(made) ? matrices : behind;
  }
  ValueId next_of(ValueId state) const {
    const auto at = std::find(p_.carried.begin(), p_.carried.end(), state);
    return p_.next[static_cast<std::size_t>(at - p_.carried.begin())];
  }
  // Required because the results of a part end with those of its states.
  bool states_end_where_they_are() const {
    for (std::size_t k = 0; k < p_.carried.size(); ++k) {
      const ValueId state = p_.carried[k];
      const ValueId last = p_.results[p_.results.size() - p_.carried.size() + k].value;
      if (made_in_[last] != made_in_[state]) return false;
      if (made_in_[state] == matrices && (p_.next[k] == state || last != p_.next[k])) return false;
    }
    return true;
  }

  // A sequence of the whole run has one more axis than a step, and in segments two more.
  bool can_be_sent() const {
    for (const Part& part : parts_)
      for (std::size_t n = 0; n < p_.values.size(); ++n)
        if (const ValueId v{static_cast<int32_t>(n)};
            part.asked.contains(v) && p_.shape(v).rank() > Shape::max_rank - 2)
          return false;
    return true;
  }

  // --- each part as a Program

  void ask(Where w, std::size_t result) {
    Part& part = parts_[w];
    part.program.results.push_back(p_.results[result]);
    part.original.push_back(result);
  }
  // A value that is fixed or a reshape is made in each part that reads it.
  bool made_anywhere(const Instruction& i) const { return p_.is_fixed(i) || i.is(reshape_op); }

  void gather(Where w) {
    Part& part = parts_[w];
    Program& q = part.program;
    for (std::size_t later = w + 1; later < n_parts; ++later)  // in front of the results of states
      for (std::size_t n = 0; n < p_.values.size(); ++n)
        if (const ValueId v{static_cast<int32_t>(n)};
            parts_[later].asked.contains(v) && made_in_[v] == w && sent_.insert(v)) {
          q.results.insert(q.results.begin(), {ProgramResult::sequence, v});
          part.original.insert(part.original.begin(), std::nullopt);
        }
    q.values = p_.values;
    q.reverse = p_.reverse;
    ValueSet needed;
    for (const ProgramResult& r : q.results) needed.insert(r.value);
    for (std::size_t k : part.states) {
      q.carried.push_back(p_.carried[k]);
      q.next.push_back(p_.next[k]);
      needed.insert(p_.next[k]);
    }
    for (auto i = p_.loop.rbegin(); i != p_.loop.rend(); ++i) {
      const bool here = made_in_[i->outputs[0]] == w;
      if (!needed.contains_any(i->outputs) || !(here || made_anywhere(*i))) continue;
      q.loop.push_back(*i);
      needed.insert(i->inputs);
      made_[w].insert(i->outputs);
    }
    std::reverse(q.loop.begin(), q.loop.end());
    for (ValueId v : p_.fixed)
      if (needed.contains(v)) q.fixed.push_back(v);
    for (std::size_t n = 0; n < p_.values.size(); ++n) {
      const ValueId v{static_cast<int32_t>(n)};
      if (!needed.contains(v) || made_[w].contains(v) || p_.is_fixed(v)) continue;
      const bool own_state = p_.is_state(v) && made_in_[v] == w;
      if (own_state) continue;
      q.sequences.push_back(v);
      if (!is_input(v) || p_.is_state(v)) {
        part.asked.insert(v);
        q[v].role = Role::sequence;
        q[v].batch_first = false;
      }
    }
  }
  bool is_input(ValueId v) const {
    return std::find(p_.sequences.begin(), p_.sequences.end(), v) != p_.sequences.end() ||
           p_.is_state(v);
  }

  RecurrenceRef recurrence_of(Where w) const {
    ProgramBuilder traced = traced_again(parts_[w].program);
    return std::make_shared<TracedRecurrence>(std::move(traced.program), std::move(traced.nodes));
  }

  std::vector<RecurrenceParts::Input> inputs_of(Where w) const {
    const Program& q = parts_[w].program;
    std::vector<RecurrenceParts::Input> inputs;
    for (std::size_t i = 0; i < q.n_inputs(); ++i) {
      const ValueId v = q.input(i);
      if (parts_[w].asked.contains(v))
        inputs.push_back(sent(v));
      else
        inputs.push_back(ForwardInput{place_among_inputs(v)});
    }
    return inputs;
  }
  RecurrenceParts::Place sent(ValueId v) const {
    const Where from = made_in_[v];
    const std::vector<ProgramResult>& results = parts_[from].program.results;
    const auto at =
        std::find(results.begin(), results.end(), ProgramResult{ProgramResult::sequence, v});
    if (at == results.end()) throw Error("scan: a part of a step reads what no part gives it.");
    return {number_[from], static_cast<std::size_t>(at - results.begin())};
  }
  std::size_t place_among_inputs(ValueId v) const {
    std::size_t i = 0;
    while (p_.input(i) != v) ++i;
    return i;
  }

  const Program& p_;
  ValueIds states_;  // matrix states
  ValueTable<Where> made_in_;
  std::array<Part, n_parts> parts_;
  std::array<ValueSet, n_parts> made_;
  ValueSet sent_;
  std::array<std::size_t, n_parts> number_{};
};

}  // namespace

std::shared_ptr<const RecurrenceParts> parts_of(const TracedRecurrence& recurrence) {
  const Program p = unshared(recurrence.normalised());
  return Cutter(p).cut();
}

std::vector<Ref<Value>> apply_in_parts(const RecurrenceParts& all,
                                       const std::vector<Ref<Value>>& inputs, int64_t time,
                                       bool gradient, bool recompute) {
  std::vector<std::vector<Ref<Value>>> made;
  for (const RecurrenceParts::Part& part : all.parts) {
    std::vector<Ref<Value>> own;
    for (const RecurrenceParts::Input& input : part.inputs)
      if (const auto* from = std::get_if<RecurrenceParts::Place>(&input))
        own.push_back(made[from->part][from->result]);
      else
        own.push_back(inputs[std::get<ForwardInput>(input).index]);
    const bool segments = gradient && (recompute || part.matrices);
    const RecurrenceRef& recurrence = part.recurrence;
    made.push_back(segments ? apply_in_segments(recurrence, std::move(own), time)
                   : gradient
                       ? apply_recurrence(recurrence->keeping(recurrence->read_by_gradient()),
                                          std::move(own), time)
                       : apply_recurrence(recurrence, std::move(own), time));
  }
  std::vector<Ref<Value>> results;
  for (const RecurrenceParts::Place& r : all.results) results.push_back(made[r.part][r.result]);
  return results;
}

}  // namespace tempo
