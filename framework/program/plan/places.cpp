#include "program/plan/planner.hpp"

#include <algorithm>

namespace tempo {

Places::Places(const Uses& uses, Plan& plan) : uses_(uses), p_(uses.program()), plan_(plan) {
  plan_.regions.resize(p_.values.size());
  plan_.history.resize(p_.carried.size());
  block({Block::registers});
  place_inputs();
  place_results();
  place_section(p_.before);
  for (const Instruction& i : p_.loop)  // a running sum grows in place
    if (i.summed) region(i.outputs[0]) = region(i.inputs[0]);
  place_section(p_.after);
  place_next_states();
}

int Places::block(Block b) {
  plan_.blocks.push_back(b);
  return static_cast<int>(plan_.blocks.size()) - 1;
}

// All of a value in a block of its own, row after row.
Region Places::whole(int b, int v) const {
  const TensorType& t = uses_.type(v);
  const auto size = static_cast<int64_t>(size_of(t.dtype));
  return {b, 0, rows_of(t.shape), cols_of(t.shape), cols_of(t.shape) * size, size, t.dtype};
}

void Places::place(int v, Block::Kind kind) {
  region(v) = whole(block({kind, 0, kind == Block::slab, uses_.type(v).bytes()}), v);
}

void Places::cut(int whole, const std::vector<int>& parts) {
  std::size_t offset = region(whole).offset;
  for (int v : parts) {
    Region r = region(whole);
    r.offset = offset;
    r.cols = cols_of(uses_.type(v).shape);
    region(v) = r;
    offset += static_cast<std::size_t>(r.cols) * size_of(r.dtype);
  }
}

void Places::place_inputs() {
  for (std::size_t i = 0; i < p_.n_inputs(); ++i) {
    const int v = p_.input(i);
    const ProgramValue& value = uses_.value(v);
    const std::size_t bytes = value.type.bytes();
    if (value.standing == Standing::carried) {
      const auto k = static_cast<int>(i - p_.fixed.size() - p_.sequences.size());
      region(v) = whole(block({Block::state, k, false, bytes}), v);
    } else if (value.batch_first) {
      place(v, Block::slab);
    } else {
      const bool each = value.standing == Standing::sequence;
      region(v) = whole(block({Block::external, static_cast<int>(i), each, bytes}), v);
    }
  }
}

// A sequence that is a result is written where the caller reads it, as is a sum over time that is
// made behind the loop.
void Places::place_results() {
  const auto with_caller = [this](std::size_t k, bool of_each_step) {
    const std::size_t bytes = uses_.type(p_.results[k].value).bytes();
    return Block{Block::external, static_cast<int>(p_.n_inputs() + k), of_each_step, bytes};
  };
  for (std::size_t k = 0; k < p_.results.size(); ++k) {
    const ProgramResult& r = p_.results[k];
    const Standing standing = uses_.value(r.value).standing;
    if (r.kind != ProgramResult::sequence || r.batch_first || standing == Standing::fixed) continue;
    if (standing == Standing::carried)
      keep_history(r.value, with_caller(k, true));
    else if (!placed(r.value))
      region(r.value) = whole(block(with_caller(k, true)), r.value);
  }
  for (std::size_t k = 0; k < p_.results.size(); ++k) {
    const int v = p_.results[k].value;
    if (p_.results[k].kind == ProgramResult::sum && uses_.made_after(v) &&
        uses_.value(v).standing == Standing::fixed && !placed(v))
      region(v) = whole(block(with_caller(k, false)), v);
  }
  for (const ProgramResult& r : p_.results)
    if (r.batch_first) place_every_step(r.value);
}

void Places::place_section(const std::vector<Instruction>& section) {
  for (const Instruction& i : section) {
    for (int v : i.outputs) place_every_step(v);
    for (int v : i.inputs) place_every_step(v);
  }
}

void Places::place_every_step(int v) {
  const ProgramValue& value = uses_.value(v);
  if (value.standing == Standing::carried)
    keep_history(v, {Block::slab, 0, true, value.type.bytes()});
  else if (!placed(v))
    place(v, value.standing == Standing::fixed ? Block::fixed : Block::slab);
}

void Places::keep_history(int v, const Block& b) {
  const auto k = std::find(p_.carried.begin(), p_.carried.end(), v) - p_.carried.begin();
  Region& history = plan_.history[static_cast<std::size_t>(k)];
  if (history.block == -1) history = whole(block(b), v);
}

void Places::place_next_states() {
  std::set<int> next(p_.next.begin(), p_.next.end());
  for (int v : next)
    if (uses_.maker(v) && !placed(v)) place(v, Block::turns);
  for (int v : p_.next) plan_.copied.push_back(!uses_.maker(v));
}

}  // namespace tempo
