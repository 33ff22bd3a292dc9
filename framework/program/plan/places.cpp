// SPDX-License-Identifier: Apache-2.0
// Gives each value its place: block, offset and strides.
#include <algorithm>

#include "program/plan/planner.hpp"

namespace tempo {

bool lies_together(const Region& r) { return r.rows <= 1 || r.row_stride == r.cols * r.col_stride; }

Region as_matrix(const Region& region, const Shape& shape) {
  Region r = region;
  r.rows = rows_of(shape);
  r.cols = cols_of(shape);
  if (r.rows == region.rows && r.cols == region.cols) return region;
  r.row_stride = r.cols * static_cast<int64_t>(size_of(r.dtype));
  return r;
}

Places::Places(const Uses& uses, Plan& plan) : uses_(uses), p_(uses.program()), plan_(plan) {
  plan_.regions = ValueTable<std::optional<Region>>(p_);
  plan_.history.resize(p_.carried.size());
  block({Block::registers});
  place_inputs();
  place_results();
  place_section(p_.before);
  for (const Instruction& i : p_.loop)  // a running sum grows in place
    if (i.summed) place_at(i.outputs[0], i.inputs[0]);
  place_section(p_.after);
  place_next_states();
}

std::size_t Places::block(const Block& b) {
  plan_.blocks.push_back(b);
  return plan_.blocks.size() - 1;
}

// A whole value in a block of its own, row after row.
Region Places::whole(const Block& b, ValueId v) {
  const TensorType& t = uses_.type(v);
  const auto size = static_cast<int64_t>(size_of(t.dtype));
  return {block(b), 0, rows_of(t.shape), cols_of(t.shape), cols_of(t.shape) * size, size, t.dtype};
}

void Places::place(ValueId v, Block::Kind kind) {
  at(v) = whole({kind, 0, kind == Block::slab, uses_.type(v).bytes()}, uses_.root(v));
}

void Places::place_at(ValueId v, ValueId other) {
  if (placed(other)) at(v) = as_matrix(region(other), uses_.type(uses_.root(v)).shape);
}

void Places::place_views() {
  for (std::size_t n = 0; n < p_.values.size(); ++n)
    if (const ValueId v{static_cast<int32_t>(n)}; placed(v)) plan_.regions[v] = region(v);
}

void Places::cut(ValueId whole, const ValueIds& parts) {
  std::size_t offset = region(whole).offset;
  for (ValueId v : parts) {
    Region r = region(whole);
    r.offset = offset;
    r.cols = cols_of(uses_.type(v).shape);
    at(v) = as_matrix(r, uses_.type(uses_.root(v)).shape);
    offset += static_cast<std::size_t>(r.cols) * size_of(r.dtype);
  }
}

void Places::place_inputs() {
  for (std::size_t i = 0; i < p_.n_inputs(); ++i) {
    const ValueId v = p_.input(i);
    const ProgramValue& value = p_[v];
    const std::size_t bytes = value.type.bytes();
    if (value.role == Role::carried) {
      plan_.regions[v] = whole({Block::state, i - p_.first_state(), false, bytes}, v);
    } else if (value.batch_first || (value.role == Role::sequence && needs_slab(v))) {
      place(v, Block::slab);
    } else {
      const bool each = value.role == Role::sequence;
      plan_.regions[v] = whole({Block::external, i, each, bytes}, v);
    }
  }
}

// Whether the value needs a slab and cannot lie with the caller, because rows end.
bool Places::needs_slab(ValueId v) const {
  return plan_.rows_end && uses_.type(v).shape.rank() > 0 &&
         (uses_.section(v).value_or(Section::loop) != Section::loop ||
          !uses_.readers(v, Section::before).empty() || !uses_.readers(v, Section::after).empty());
}

// A result that is a sequence is written directly for the caller. So is a sum over time that is
// made after the loop.
void Places::place_results() {
  const auto with_caller = [this](std::size_t k, bool of_each_step) {
    const std::size_t bytes = uses_.type(p_.results[k].value).bytes();
    return Block{Block::external, p_.n_inputs() + k, of_each_step, bytes};
  };
  for (std::size_t k = 0; k < p_.results.size(); ++k) {
    const ProgramResult& r = p_.results[k];
    if (r.kind != ProgramResult::sequence || r.batch_first || p_.is_fixed(r.value)) continue;
    const ValueId v = uses_.root(r.value);
    if (needs_slab(v))
      place_every_step(v);
    else if (p_.is_state(v))
      keep_history(v, with_caller(k, true));
    else if (!placed(v))
      plan_.regions[v] = whole(with_caller(k, true), v);
  }
  for (std::size_t k = 0; k < p_.results.size(); ++k) {
    const ValueId v = uses_.root(p_.results[k].value);
    if (p_.results[k].kind == ProgramResult::sum && uses_.maker(v, Section::after) &&
        p_.is_fixed(v) && !placed(v))
      plan_.regions[v] = whole(with_caller(k, false), v);
  }
  for (const ProgramResult& r : p_.results)
    if (r.batch_first) place_every_step(r.value);
}

void Places::place_section(const std::vector<Instruction>& section) {
  for (const Instruction& i : section) {
    if (uses_.is_view(i)) continue;
    for (ValueId v : i.outputs) place_every_step(v);
    for (ValueId v : i.inputs) place_every_step(v);
  }
}

void Places::place_every_step(ValueId value) {
  const ValueId v = uses_.root(value);
  if (p_.is_state(v))
    keep_history(v, {Block::slab, 0, true, p_.type(v).bytes()});
  else if (!placed(v))
    place(v, p_.is_fixed(v) ? Block::fixed : Block::slab);
}

void Places::keep_history(ValueId v, const Block& b) {
  for (std::size_t k = 0; k < p_.carried.size(); ++k)
    if (p_.carried[k] == v && !plan_.history[k]) plan_.history[k] = whole(b, v);
}

void Places::place_next_states() {
  for (ValueId v : p_.next)
    if (uses_.maker(v) && !placed(v)) place(v, Block::turns);
  for (ValueId v : p_.next) plan_.copied.push_back(!uses_.maker(v));
}

}  // namespace tempo
