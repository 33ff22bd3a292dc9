// SPDX-License-Identifier: Apache-2.0
// Plans a loop of elementwise ops on few rows as channels: which ops wait for the previous step,
// and where the values of several steps are stored. A wider value, such as gates side by side, is
// cut into parts with one column for each channel.
#include <algorithm>

#include "program/plan/planner.hpp"

namespace tempo {

namespace {

constexpr int64_t most_parts = 8;

class ChannelPlanner {
 public:
  ChannelPlanner(const Uses& uses, const Plan& plan, const Members& members)
      : uses_(uses), p_(uses.program()), plan_(plan) {
    for (const auto& [stage, instructions] : members) {
      const std::vector<TileOp>& ops = std::get<TileStage>(plan.stages[stage]).ops;
      if (ops.size() != instructions.size()) continue;  // two instructions became one op
      for (std::size_t k = 0; k < ops.size(); ++k) tiles_[instructions[k]] = &ops[k];
    }
  }

  std::optional<ChannelLoop> make() {
    if (plan_.rows_end || !find_size() || !find_ops() || !find_states() || !find_lasts()) return {};
    sort();
    for (const Op& op : ops_)
      if (!bind(op)) return {};
    for (std::size_t k = 0; k < loop_.states.size(); ++k) loop_.states[k].next = made_.at(next_[k]);
    for (std::size_t k = 0; k < loop_.lasts.size(); ++k) loop_.lasts[k].from = made_.at(lasts_[k]);
    return std::move(loop_);
  }

 private:
  // Part `index` of a value that an op makes, or that exists before the loop.
  using Part = std::pair<ValueId, int64_t>;
  struct Op {
    const Instruction* instruction;
    int64_t part;
    int standing;          // first, core or rest
    std::size_t time = 0;  // its place in the order; all core ops have the same
  };

  // --- ops and their parts

  bool find_size() {
    if (p_.carried.empty() || plan_.stages.empty()) return false;
    loop_.channels = 1;
    for (const Stage& s : plan_.stages) {
      const auto* group = std::get_if<TileStage>(&s);
      if (!group || group->whole_rows) return false;
      if (loop_.rows == 0) loop_.rows = group->rows;
      if (group->rows != loop_.rows || group->rows > ChannelLoop::most_rows) return false;
      if (loop_.channels == 1 || (group->cols > 1 && group->cols < loop_.channels))
        loop_.channels = group->cols;
    }
    return loop_.rows > 0 && loop_.channels > 0;
  }

  int64_t cols(ValueId v) const { return tempo::cols_of(p_.shape(v)); }
  // The number of parts of a value, if it can be cut into them.
  std::optional<int64_t> parts(ValueId v) const {
    const int64_t n = cols(v) / loop_.channels;
    if (n < 1 || n > most_parts || n * loop_.channels != cols(v) ||
        rows_of(p_.shape(v)) != loop_.rows)
      return {};
    return n;
  }
  // Whether the value is one number for all channels of a row.
  bool narrow(ValueId v) const { return cols(v) == 1 && loop_.channels > 1; }
  // Whether it exists before the loop and no step changes it.
  bool is_there(ValueId v) const { return !uses_.maker(v) && !p_.is_state(uses_.root(v)); }
  bool same_matrix(ValueId a, ValueId b) const {
    return cols(a) == cols(b) && rows_of(p_.shape(a)) == rows_of(p_.shape(b));
  }
  bool have_parts(const ValueIds& values) const {
    return std::all_of(values.begin(), values.end(), [this](ValueId v) { return parts(v); });
  }

  bool find_ops() {
    const ValueSet needed = needed_for(p_.loop, ValueSet(p_.next));
    for (const Instruction& i : p_.loop) {
      const ValueId out = i.outputs[0];
      if (uses_.is_view(i)) {
        if (!is_there(i.inputs[0]) && !same_matrix(out, uses_.root(out))) return false;
        continue;
      }
      if (splits_columns(i) || concatenates_columns(i)) {
        if (!have_parts(i.inputs) || !have_parts(i.outputs)) return false;
        continue;
      }
      const int standing = !uses_.reads_state(i) ? 0 : needed.contains_any(i.outputs) ? 1 : 2;
      if (!tiles_.contains(&i) || (narrow(out) ? standing > 0 : !parts(out))) return false;
      for (int64_t part = 0; part < parts(out).value_or(1); ++part) {
        ops_.push_back({&i, part, standing});
        made_here_.insert({out, part});
      }
    }
    return true;
  }

  // The part of the value that its maker, or the caller, stores.
  Part root(Part p) const {
    if (!is_there(p.first)) p.first = uses_.root(p.first);
    const Instruction* made = uses_.maker(p.first);
    if (!made || tiles_.contains(made)) return p;
    int64_t at = 0;
    if (splits_columns(*made)) {
      for (ValueId v : made->outputs) {
        if (v == p.first) break;
        at += *parts(v);
      }
      return root({made->inputs[0], at + p.second});
    }
    for (ValueId v : made->inputs) {
      if (p.second - at < *parts(v)) return root({v, p.second - at});
      at += *parts(v);
    }
    return p;
  }

  // Fails unless the next value of each changing state is made here.
  bool find_states() {
    for (std::size_t k = 0; k < p_.carried.size(); ++k) {
      const ValueId v = p_.carried[k], next = p_.next[k];
      if (stays(v) ? plan_.history[k].has_value() : !parts(v)) return false;
      if (stays(v)) continue;
      for (int64_t j = 0; j < *parts(v); ++j) {
        const Part made = root({next, j});
        if (!made_here_.contains(made)) return false;
        state_of_[{v, j}] = loop_.states.size();
        loop_.states.push_back({k, {}, j * loop_.channels, cols(v), plan_.history[k]});
        next_.push_back(made);
        kept_.insert(made);
      }
    }
    return !loop_.states.empty();
  }

  // Fails for a sum that grows outside of the ops, and for a last result that is not made here.
  bool find_lasts() {
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      if (r.kind == ProgramResult::sequence || uses_.section(r.value) == Section::after) continue;
      if (r.kind == ProgramResult::sum || !parts(r.value)) return false;
      for (int64_t j = 0; j < *parts(r.value); ++j) {
        const Part made = root({r.value, j});
        if (stays(r.value))
          made_[made] = *in_memory(*plan_.regions[r.value], j, size(r.value));
        else if (!made_here_.contains(made))
          return false;
        loop_.lasts.push_back({k, {}, j * loop_.channels, cols(r.value)});
        lasts_.push_back(made);
        kept_.insert(made);
      }
    }
    return true;
  }

  // Whether it is a state that no step changes.
  bool stays(ValueId v) const {
    const auto at = std::find(p_.carried.begin(), p_.carried.end(), v);
    return at != p_.carried.end() &&
           p_.next[static_cast<std::size_t>(at - p_.carried.begin())] == v;
  }

  // --- places of values

  // Core ops run by turns within a step: their operands and results are kept until all are done.
  void sort() {
    std::stable_sort(ops_.begin(), ops_.end(),
                     [](const Op& a, const Op& b) { return a.standing < b.standing; });
    std::size_t now = 0;
    for (std::size_t k = 0; k < ops_.size(); ++k) {
      now += k > 0 && !(ops_[k].standing == 1 && ops_[k - 1].standing == 1);
      ops_[k].time = now;
      last_read_[{ops_[k].instruction->outputs[0], ops_[k].part}] = now;  // if nothing reads it
      for (ValueId v : ops_[k].instruction->inputs) last_read_[part_read(v, ops_[k])] = now;
    }
  }
  Part part_read(ValueId v, const Op& op) const {
    return parts(v) ? root({v, op.part}) : Part{v, 0};
  }

  bool bind(const Op& op) {
    const Instruction& i = *op.instruction;
    const TileOp& tile = *tiles_.at(&i);
    ChannelOp bound{tile.tile, tile.n_inputs, {}, {}};
    for (std::size_t n = 0; n < i.inputs.size(); ++n) {
      const std::optional<ChannelOperand> from = operand(i.inputs[n], tile.inputs[n], op);
      if (!from) return false;
      bound.inputs[n] = *from;
    }
    free_until(op.time);
    const std::optional<ChannelOperand> out = result({i.outputs[0], op.part}, tile.out);
    if (!out) return false;
    bound.out = made_[{i.outputs[0], op.part}] = *out;
    (op.standing == 0 ? loop_.first : op.standing == 1 ? loop_.core : loop_.rest).push_back(bound);
    return true;
  }

  int64_t size(ValueId v) const { return static_cast<int64_t>(size_of(uses_.type(v).dtype)); }

  std::optional<ChannelOperand> operand(ValueId v, Region region, const Op& op) const {
    const Part part = part_read(v, op);
    if (const auto made = made_.find(part); made != made_.end()) return made->second;
    if (const auto state = state_of_.find(part); state != state_of_.end())
      return ChannelOperand{ChannelOperand::state, {}, state->second, size(v), false};
    if (narrow(v)) region.col_stride = 0;
    return in_memory(region, op.part, size(v));
  }
  std::optional<ChannelOperand> in_memory(Region r, int64_t part, int64_t size) const {
    switch (plan_.blocks[r.block].kind) {
      case Block::registers:
      case Block::scratch:
      case Block::turns: return {};
      default: break;
    }
    r.offset += static_cast<std::size_t>(part * loop_.channels * r.col_stride);
    return ChannelOperand{ChannelOperand::memory, r, 0, size, r.col_stride == 0};
  }
  // Results are in memory if they are stored at each step or grow there; the others in a buffer.
  std::optional<ChannelOperand> result(const Part& p, const Region& r) {
    switch (plan_.blocks[r.block].kind) {
      case Block::registers:
      case Block::scratch:
      case Block::turns:
        return ChannelOperand{
            ChannelOperand::buffer, {}, take_buffer(p), size(p.first), narrow(p.first)};
      default: break;
    }
    if (narrow(p.first)) return {};  // each shard would write it
    return in_memory(r, p.second, size(p.first));
  }

  std::size_t take_buffer(const Part& p) {
    if (free_.empty()) return held_[p] = loop_.buffers++;
    const std::size_t b = free_.back();
    free_.pop_back();
    return held_[p] = b;
  }
  // Frees the buffers of parts that were last read earlier.
  void free_until(std::size_t now) {
    std::erase_if(held_, [&](const auto& held) {
      if (kept_.contains(held.first) || last_read_[held.first] >= now) return false;
      free_.push_back(held.second);
      return true;
    });
  }

  const Uses& uses_;
  const Program& p_;
  const Plan& plan_;
  ChannelLoop loop_;
  std::map<const Instruction*, const TileOp*> tiles_;
  std::vector<Op> ops_;
  std::set<Part> made_here_, kept_;  // kept_: until the tile is done
  std::map<Part, std::size_t> state_of_, last_read_, held_;
  std::vector<Part> next_, lasts_;  // one for each state and last result
  std::map<Part, ChannelOperand> made_;
  std::vector<std::size_t> free_;
};

}  // namespace

std::optional<ChannelLoop> channel_loop(const Uses& uses, const Plan& plan,
                                        const Members& members) {
  return ChannelPlanner(uses, plan, members).make();
}

}  // namespace tempo
