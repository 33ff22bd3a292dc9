// SPDX-License-Identifier: Apache-2.0
// Plans the work of a run besides its stages: the arena, moves of data, and the calls outside of
// the loop.
#include "program/plan/surroundings.hpp"

#include <algorithm>
#include <limits>

#include "ops/known.hpp"
#include "tensor/products/int8.hpp"

namespace tempo {

namespace {

thread_local int64_t longest_stretch = std::numeric_limits<int64_t>::max();

class SurroundingsMaker {
 public:
  SurroundingsMaker(const Uses& uses, const Plan& plan)
      : uses_(uses), p_(uses.program()), plan_(plan) {}

  Surroundings make() {
    find_outside();
    place_blocks();
    find_carried();
    find_results();
    find_growing();
    place_shards();
    out_.drops_rows = plan_.rows_end && can_drop_rows(p_, plan_, out_);
    return std::move(out_);
  }

 private:
  const Region& region(ValueId v) const { return plan_.regions[v].value(); }
  const Region& outside(ValueId v) const { return out_.outside[v].value(); }
  const Block& block(const Region& r) const { return plan_.blocks[r.block]; }
  std::size_t reserve(std::size_t bytes) {
    return std::exchange(out_.bytes, out_.bytes + rounded_up(bytes));
  }
  bool made_after(ValueId v) const { return uses_.section(v) == Section::after; }

  // --- before and after the loop

  void find_outside() {
    out_.outside = plan_.regions;
    for (std::size_t k = 0; k < p_.carried.size(); ++k)
      out_.outside[p_.carried[k]] = plan_.history[k];
    for (std::size_t n = 0; n < p_.values.size(); ++n) {
      const ValueId v{static_cast<int32_t>(n)}, root = uses_.root(v);
      if (root != v && p_.is_state(root))
        out_.outside[v] = out_.outside[root]
                              ? std::optional(as_matrix(*out_.outside[root], p_.shape(v)))
                              : std::nullopt;
    }
    for (const Instruction& i : p_.loop) out_.operands = std::max(out_.operands, operands_of(i));
    for (std::size_t k = 0; k < p_.before.size(); ++k)
      if (!uses_.is_view(p_.before[k]) && !only_packed(p_.before[k]))
        out_.before.push_back(outside_call({Section::before, k}));
    for (std::size_t k = 0; k < p_.after.size(); ++k)
      if (!uses_.is_view(p_.after[k])) out_.after.push_back(outside_call({Section::after, k}));
    find_groups(out_.before);
    find_groups(out_.after);
  }
  static std::size_t operands_of(const Instruction& i) {
    return i.inputs.size() + i.outputs.size();
  }
  void find_groups(std::vector<OutsideCall>& calls) const {
    ValueSet made;  // by the calls from `first` on
    std::size_t first = 0;
    for (std::size_t k = 0; k < calls.size(); ++k) {
      const Instruction& i = p_[calls[k].instruction];
      if (calls[k].how == OutsideCall::How::once) continue;
      if (std::any_of(i.inputs.begin(), i.inputs.end(),
                      [&](ValueId v) { return made.contains(uses_.root(v)); })) {
        first = k;
        made = {};
      }
      made.insert(i.outputs);
      calls[first].group = static_cast<int64_t>(k + 1 - first);
    }
  }
  OutsideCall outside_call(InstructionId id) {
    const Instruction& i = p_[id];
    OutsideCall call{id, how(i), out_.operands};
    call.reads_rows = std::any_of(i.inputs.begin(), i.inputs.end(), [&](ValueId v) {
      return p_.is_fixed(v) && p_.shape(v).rank() == p_.shape(i.outputs[0]).rank() &&
             p_.shape(v).rank() >= 2 && p_.shape(v)[0] == plan_.independent_rows;
    });
    out_.operands += operands_of(i);
    if (i.summed) out_.summed.push_back(i.outputs[0]);
    if (call.how == OutsideCall::How::all_steps && is_product(uses_, i)) {
      const ProductSize size = size_of_product(p_, i);
      call.product = out_.products.size();
      out_.products.push_back(
          {i.inputs[0], i.outputs[0], size.rows, size.blocks, outside_packings_.size()});
      for (int64_t block = 0; block < size.blocks; ++block)
        outside_packings_.push_back(
            i.is(block_matmul_op) ? packing_of_block(i.inputs[1], i.is_set("transpose_b"), size.k,
                                                     size.n, block, i.is_set(runs_in_int8))
                                  : packing(i.inputs[1], i.is_set("transpose_b"), size.k, size.n,
                                            i.is_set(runs_in_int8)));
    }
    return call;
  }
  void add_packings(const ProductStage& s) {
    for (int64_t block = 0; block < s.blocks; ++block)
      for (const ProductTerm& t : s.terms) {
        const int64_t k = t.a.first.cols, n = s.out.first.cols;
        out_.packed.push_back(
            t.blocked
                ? packing_of_block(t.b, t.transposed, k, n, block, t.in_int8)
                : columns(packing(t.b, t.transposed, k, s.blocks * n, t.in_int8), block * n, n));
      }
  }
  // The right side of one block of a value [blocks, k, n], or [blocks, n, k] if transposed.
  Packing packing_of_block(ValueId right, bool transposed, int64_t k, int64_t n, int64_t block,
                           bool in_int8) const {
    return {
        {{right, transposed, k, n, 0, 0, block * k * n}}, p_.type(right).dtype, k, n, 0, in_int8};
  }
  // The packing for some columns of a right side.
  Packing columns(const Packing& all, int64_t first, int64_t n) const {
    Packing some{{}, all.dtype, all.k, n, 0, all.in_int8};
    for (RightPart part : all.parts) {
      const int64_t from = std::max(first, part.n0), to = std::min(first + n, part.n0 + part.n);
      if (from >= to) continue;
      part.offset += (from - part.n0) * (part.transposed ? p_.shape(part.value).back() : 1);
      part.n0 = from - first;
      part.n = to - from;
      some.parts.push_back(part);
    }
    return some;
  }
  Packing packing(ValueId right, bool transposed, int64_t k, int64_t n, bool in_int8) const {
    Packing p{{}, p_.type(right).dtype, k, n, 0, in_int8};
    const Instruction* made = uses_.maker(right, Section::before);
    if (!made || made->outputs[0] != right || !concatenates_matrices(*made)) {
      p.parts.push_back({right, transposed, k, n, 0, 0, 0});
      return p;
    }
    const bool side_by_side = (made->attributes.integer("axis") == -1) != transposed;
    int64_t at = 0;
    for (ValueId v : made->inputs) {
      const Shape& s = p_.shape(v);
      const int64_t own_k = s[transposed ? 1 : 0], own_n = s[transposed ? 0 : 1];
      p.parts.push_back(
          {v, transposed, own_k, own_n, side_by_side ? 0 : at, side_by_side ? at : 0, 0});
      at += side_by_side ? own_n : own_k;
    }
    return p;
  }
  bool concatenates_matrices(const Instruction& i) const {
    const int64_t axis =
        i.op->rearranges && i.inputs.size() > 1 ? i.attributes.integer("axis", 0) : 0;
    return (axis == -1 || axis == -2) && p_.shape(i.outputs[0]).rank() == 2;
  }
  // A concatenation that only packed products read, as their right side: each packs its parts.
  bool only_packed(const Instruction& made) const {
    const ValueId v = made.outputs[0];
    if (!concatenates_matrices(made) || !p_.is_fixed(v)) return false;
    return !uses_.is_result(v) && !uses_.is_next(v) &&
           std::all_of(all_sections.begin(), all_sections.end(), [&](Section section) {
             const std::vector<const Instruction*>& readers = uses_.readers(v, section);
             return std::all_of(readers.begin(), readers.end(), [&](const Instruction* i) {
               return packs(*i, v) &&
                      (section == Section::loop || how(*i) == OutsideCall::How::all_steps);
             });
           });
  }
  // Whether it reads a value as the right side of a product only.
  bool packs(const Instruction& i, ValueId v) const {
    return is_product(uses_, i) && i.inputs[1] == v && i.inputs[0] != v;
  }
  // A sum over time is fixed in the end, but is made from all steps.
  OutsideCall::How how(const Instruction& i) const {
    if (i.summed) return OutsideCall::How::all_steps;
    if (p_.is_fixed(i)) return OutsideCall::How::once;
    return keeps_meaning_over_time(i) ? OutsideCall::How::all_steps
                                      : OutsideCall::How::step_by_step;
  }
  // Whether the op means the same on values with a leading time axis.
  bool keeps_meaning_over_time(const Instruction& i) const {
    const int rank = p_.shape(i.outputs[0]).rank();
    if (!i.op->kernel) return !p_.is_fixed(i.inputs[0]);
    if (i.op->leading_axis == LeadingAxis::changes) return false;
    for (ValueId v : i.inputs) {
      const bool fixed = p_.is_fixed(v);
      if (fixed && i.op->leading_axis != LeadingAxis::broadcast) return false;
      const int own = p_.shape(v).rank();
      if (i.op->leading_axis == LeadingAxis::broadcast && (fixed ? own > rank : own != rank))
        return false;
    }
    return true;
  }

  // --- memory

  void place_blocks() {
    out_.blocks.resize(plan_.blocks.size());
    const bool in_place = plan_.channels && plan_.channels->rows == 1;
    for (std::size_t b = 0; b < plan_.blocks.size(); ++b) {
      const Block& block = plan_.blocks[b];
      switch (block.kind) {
        case Block::external:
          if (!block.of_each_step) break;
          out_.each_step.push_back(b);
          if (in_place) out_.stretch_bytes += block.bytes;
          break;
        case Block::slab:
          out_.slabs.push_back(b);
          out_.stretch_bytes += block.bytes;
          out_.each_step.push_back(b);
          break;
        case Block::turns:
          out_.turns.push_back(b);
          out_.blocks[b] = reserve(2 * rounded_up(block.bytes));
          break;
        case Block::fixed:
        case Block::scratch: out_.blocks[b] = reserve(block.bytes); break;
        case Block::state:
        case Block::registers: break;
      }
    }
    for (const Stage& s : plan_.stages)
      if (const auto* product = std::get_if<ProductStage>(&s)) add_packings(*product);
    for (OutsideProduct& product : out_.products) product.packed += out_.packed.size();
    out_.packed.insert(out_.packed.end(), outside_packings_.begin(), outside_packings_.end());
    std::size_t most_parts = 0;
    for (Packing& p : out_.packed) {
      p.memory = reserve(p.bytes());
      out_.packed_bytes += rounded_up(p.bytes());
      most_parts = std::max(most_parts, p.parts.size());
    }
    find_packed_inputs();
    out_.parts = reserve(most_parts * sizeof(MatrixPart));
    out_.matrices = reserve(out_.packed.size() * sizeof(PackedMatrix));
    out_.views = reserve(out_.operands * sizeof(View));
    out_.bases = reserve(plan_.blocks.size() * sizeof(char*));
  }

  void find_packed_inputs() {
    ValueSet read;
    for (const Packing& p : out_.packed)
      for (const RightPart& part : p.parts) read.insert(part.value);
    read = needed_for(p_.before, std::move(read));
    for (std::size_t i = 0; i < p_.n_inputs(); ++i)
      if (read.contains(p_.input(i))) out_.packs_inputs.push_back(i);
  }

  void place_shards() {
    std::size_t register_bytes = 0;
    if (!p_.carried.empty() && p_.shape(p_.carried[0]).rank() > 0)
      out_.rows = p_.shape(p_.carried[0])[0];
    for (const Stage& s : plan_.stages) {
      if (const auto* product = std::get_if<ProductStage>(&s))
        for (const ProductTerm& t : product->terms)
          out_.work_per_row += product->blocks * t.a.first.cols * product->out.first.cols *
                               product->out.first.rows / std::max<int64_t>(1, out_.rows);
      if (const auto* group = std::get_if<TileStage>(&s)) {
        register_bytes = std::max(register_bytes, group->registers * group->register_bytes());
        out_.work_per_row += 8 * group->cols * static_cast<int64_t>(group->ops.size()) *
                             group->rows / std::max<int64_t>(1, out_.rows);
      }
    }
    const std::size_t addresses = rounded_up(plan_.blocks.size() * sizeof(char*));
    out_.register_bytes = rounded_up(register_bytes);
    out_.shard_bytes = addresses + out_.register_bytes + (plan_.parts_together > 0 ? addresses : 0);
    if (plan_.channels)
      out_.shard_bytes = rounded_up(std::max(out_.shard_bytes, plan_.channels->shard_bytes()));
  }

  // --- results, states and sums

  void find_carried() {
    for (std::size_t k = 0; k < p_.carried.size(); ++k) {
      const ValueId v = p_.carried[k], next = p_.next[k];
      if (plan_.history[k])
        out_.histories.push_back({region(v), *plan_.history[k], written_ahead(k)});
      if (next == v) continue;
      const std::size_t bytes = p_.type(v).bytes();
      const bool in_slab = block(region(next)).kind == Block::slab;
      out_.carried.push_back(
          {region(v).block, region(next), plan_.copied[k], in_slab,
           plan_.copied[k] || in_slab || plan_.rows_end ? reserve(2 * rounded_up(bytes)) : 0,
           bytes});
    }
  }

  // The block of a next state that the step can write where the next step's history of it is: one
  // that lies with the caller, whose steps are adjacent. A small state is better copied, as two
  // alternating blocks stay in the first cache.
  std::optional<std::size_t> written_ahead(std::size_t k) const {
    const bool large = plan_.parts_together > 0;
    if (!large || plan_.copied[k] || block(*plan_.history[k]).kind != Block::external) return {};
    const Region& next = region(p_.next[k]);
    return block(next).kind == Block::turns ? std::optional(next.block) : std::nullopt;
  }

  void find_results() {
    for (std::size_t i = 0; i < p_.n_inputs(); ++i)
      if (const ValueId v = p_.input(i);
          p_.is_sequence(v) && lies_in_slab(v) && uses_.is_needed(v)) {
        BatchFirst input = batch_first(i, v);
        input.time_first = !p_[v].batch_first;
        (by_shard(v) ? out_.gathered : out_.gathered_at_once).push_back(input);
      }
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      if (r.batch_first) {
        (by_shard(r.value) ? out_.scattered : out_.scattered_at_once)
            .push_back(batch_first(k, r.value));
      } else if (r.kind == ProgramResult::sequence) {
        if (!lies_with_caller(r.value, k)) out_.sequences.push_back({k, r.value, outside(r.value)});
      } else if (made_after(r.value)) {
        if (!p_.is_fixed(r.value))
          out_.after_results.push_back({k, r.value, region(r.value)});
        else if (!lies_with_caller(r.value, k))
          out_.fixed_results.push_back({k, r.value, region(r.value)});
      } else {
        (r.kind == ProgramResult::sum ? out_.sums : out_.lasts)
            .push_back({k, r.value, region(r.value)});
      }
      if (r.kind == ProgramResult::sum && !(made_after(r.value) && p_.is_fixed(r.value)))
        out_.summed_results.push_back(k);
    }
  }
  void find_growing() {
    for (const Instruction& i : p_.loop)
      if (i.summed) grows(out_.step_sums, i.outputs[0], {});
    for (std::size_t k : out_.summed_results) grows(out_.step_sums, p_.results[k].value, k);
    for (ValueId v : out_.summed) grows(out_.stretch_sums, v, {});
  }
  void grows(std::vector<GrowingSum>& sums, ValueId v, std::optional<std::size_t> result) {
    const TensorType& type = p_.type(v);
    if (type.dtype != float32) return;
    const int64_t before = sums.empty() ? 0 : sums.back().before + sums.back().count;
    sums.push_back({v, result, before, type.shape.count()});
  }
  BatchFirst batch_first(std::size_t index, ValueId v) const {
    const Shape& step = p_.shape(v);
    const int64_t batch = step[0];
    return {index, outside(v), batch, batch > 0 ? step.count() / batch : 0};
  }
  // Whether each shard needs only its own rows of the value until the loop ends. A value with one
  // axis is a row that all rows read.
  bool by_shard(ValueId v) const {
    const int64_t batch = p_.shape(v)[0];
    return batch == plan_.independent_rows && region(v).rows >= batch && !made_after(v) &&
           uses_.readers(v, Section::before).empty();
  }
  bool lies_in_slab(ValueId v) const {
    return plan_.regions[v] && block(region(v)).kind == Block::slab;
  }
  bool lies_with_caller(ValueId v, std::size_t result) const {
    const Block& b = block(outside(v));
    return b.kind == Block::external && b.index == p_.n_inputs() + result;
  }

  const Uses& uses_;
  const Program& p_;
  const Plan& plan_;
  Surroundings out_;
  std::vector<Packing> outside_packings_;
};

}  // namespace

std::size_t Packing::bytes() const {
  return in_int8 ? packed_int8_bytes(k, n) : packed_bytes(dtype, k, n);
}

ShortStretches::ShortStretches(int64_t steps) : longest_(longest_stretch, steps) {}

int64_t Surroundings::steps_at_once(int64_t time) const {
  constexpr std::size_t cached_bytes = 1 << 20;
  constexpr int64_t fewest_rows = 256;  // for a product outside of the loop
  int64_t most = std::min(time, longest_stretch);
  if (stretch_bytes > 0)
    most = std::min(most, std::max(static_cast<int64_t>(cached_bytes / stretch_bytes),
                                   (fewest_rows - 1) / std::max<int64_t>(rows, 1) + 1));
  // Other Programs keep their stretches, and so the size of their arena.
  if (!step_sums.empty()) most = std::min(most, most_summed);
  const int64_t stretches = (time - 1) / most + 1;
  return (time - 1) / stretches + 1;
}

Surroundings surroundings_of(const Uses& uses, const Plan& plan) {
  return SurroundingsMaker(uses, plan).make();
}

}  // namespace tempo
