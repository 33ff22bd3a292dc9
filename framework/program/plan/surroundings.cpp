#include "program/plan/surroundings.hpp"

#include "program/uses.hpp"
#include "tensor/products/packed.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace tempo {

namespace {

thread_local int64_t longest_stretch = std::numeric_limits<int64_t>::max();

class LayoutMaker {
 public:
  LayoutMaker(const Uses& uses, const Plan& plan) : uses_(uses), p_(uses.program()), plan_(plan) {}

  Layout make() {
    find_outside();
    place_blocks();
    find_carried();
    find_results();
    find_growing();
    place_shards();
    return std::move(layout_);
  }

 private:
  const Region& region(ValueId v) const { return plan_.regions[v].value(); }
  const Region& outside(ValueId v) const { return layout_.outside[v].value(); }
  const Block& block(const Region& r) const { return plan_.blocks[r.block]; }
  std::size_t reserve(std::size_t bytes) {
    return std::exchange(layout_.bytes, layout_.bytes + rounded_up(bytes));
  }
  bool made_after(ValueId v) const { return uses_.section(v) == Section::after; }

  // --- before and behind the loop

  void find_outside() {
    layout_.outside = plan_.regions;
    for (std::size_t k = 0; k < p_.carried.size(); ++k)
      layout_.outside[p_.carried[k]] = plan_.history[k];
    for (const Instruction& i : p_.loop)
      layout_.operands = std::max(layout_.operands, operands_of(i));
    for (const Instruction& i : p_.before)
      if (!only_packed(i)) layout_.before.push_back(outside_call(i));
    for (const Instruction& i : p_.after) layout_.after.push_back(outside_call(i));
    find_together(layout_.before);
    find_together(layout_.after);
  }
  static std::size_t operands_of(const Instruction& i) {
    return i.inputs.size() + i.outputs.size();
  }
  static void find_together(std::vector<OutsideCall>& calls) {
    std::set<ValueId> made;  // by those from `first` on
    std::size_t first = 0;
    for (std::size_t k = 0; k < calls.size(); ++k) {
      const Instruction& i = *calls[k].instruction;
      if (calls[k].once) continue;
      if (std::any_of(i.inputs.begin(), i.inputs.end(),
                      [&](ValueId v) { return made.count(v) > 0; })) {
        first = k;
        made.clear();
      }
      made.insert(i.outputs.begin(), i.outputs.end());
      calls[first].together = static_cast<int64_t>(k + 1 - first);
    }
  }
  OutsideCall outside_call(const Instruction& i) {
    OutsideCall call{&i, !of_each_step(i), at_once(i), -1, 1, layout_.operands};
    layout_.operands += operands_of(i);
    if (i.summed) layout_.summed.push_back(i.outputs[0]);
    if (!call.once && call.at_once && is_product(uses_, i)) {
      call.product = static_cast<int>(layout_.products.size());
      layout_.products.push_back({i.inputs[0], i.outputs[0], p_.shape(i.inputs[0])[0]});
      outside_packings_.push_back(packing(i));
    }
    return call;
  }
  Packing packing(const Instruction& i) const {
    return packing(i.inputs[1], i.is_set("transpose_b"), p_.shape(i.inputs[0])[1],
                   p_.shape(i.outputs[0])[1]);
  }
  Packing packing(ValueId right, bool transposed, int64_t k, int64_t n) const {
    Packing p{{}, p_.type(right).dtype, k, n, 0};
    const Instruction* made = uses_.maker(right, Section::before);
    if (!made || !concatenates_matrices(*made)) {
      p.parts.push_back({right, transposed, k, n, 0, 0});
      return p;
    }
    const bool side_by_side = (made->attributes.integer("axis") == -1) != transposed;
    int64_t at = 0;
    for (ValueId v : made->inputs) {
      const Shape& s = p_.shape(v);
      const int64_t own_k = s[transposed ? 1 : 0], own_n = s[transposed ? 0 : 1];
      p.parts.push_back(
          {v, transposed, own_k, own_n, side_by_side ? 0 : at, side_by_side ? at : 0});
      at += side_by_side ? own_n : own_k;
    }
    return p;
  }
  bool concatenates_matrices(const Instruction& i) const {
    const int64_t axis =
        i.op->rearranges && i.inputs.size() > 1 ? i.attributes.integer("axis", 0) : 0;
    return (axis == -1 || axis == -2) && p_.shape(i.outputs[0]).rank() == 2;
  }
  // A concatenation that is read as the right side of packed products alone: each packs the parts.
  bool only_packed(const Instruction& made) const {
    const ValueId v = made.outputs[0];
    if (!concatenates_matrices(made) || !p_.is_fixed(v)) return false;
    for (const auto* section : {&p_.before, &p_.loop, &p_.after})
      for (const Instruction& i : *section)
        if (const auto reads = std::count(i.inputs.begin(), i.inputs.end(), v);
            reads > 0 && !(reads == 1 && i.inputs.back() == v && is_product(uses_, i) &&
                           (section == &p_.loop || (of_each_step(i) && at_once(i)))))
          return false;
    return std::none_of(p_.results.begin(), p_.results.end(),
                        [v](const ProgramResult& r) { return r.value == v; });
  }
  // A sum over time is fixed in the end, but made of all steps.
  bool of_each_step(const Instruction& i) const { return i.summed || !p_.is_fixed(i); }
  // If nothing in it depends on time, or if its op keeps its meaning over a leading axis.
  bool at_once(const Instruction& i) const {
    if (i.summed || p_.is_fixed(i)) return true;
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
    layout_.blocks.resize(plan_.blocks.size());
    for (std::size_t b = 0; b < plan_.blocks.size(); ++b) {
      const Block& block = plan_.blocks[b];
      switch (block.kind) {
        case Block::external:
          if (block.of_each_step) layout_.each_step.push_back(b);
          break;
        case Block::slab:
          layout_.slabs.push_back(b);
          layout_.slab_bytes += block.bytes;
          layout_.each_step.push_back(b);
          break;
        case Block::turns:
          layout_.turns.push_back(b);
          layout_.blocks[b] = reserve(2 * rounded_up(block.bytes));
          break;
        case Block::fixed:
        case Block::scratch: layout_.blocks[b] = reserve(block.bytes); break;
        case Block::state:
        case Block::registers: break;
      }
    }
    for (const PlanStep& s : plan_.steps)
      for (const ProductTerm& t : s.as_product.terms)
        layout_.packed.push_back(packing(t.b, t.transposed, t.a.cols, s.as_product.out.cols));
    layout_.loop_products = layout_.packed.size();
    layout_.packed.insert(layout_.packed.end(), outside_packings_.begin(), outside_packings_.end());
    std::size_t most_parts = 0;
    for (Packing& p : layout_.packed) {
      p.memory = reserve(packed_bytes(p.dtype, p.k, p.n));
      most_parts = std::max(most_parts, p.parts.size());
    }
    layout_.parts = reserve(most_parts * sizeof(MatrixPart));
    layout_.matrices = reserve(layout_.packed.size() * sizeof(PackedMatrix));
    layout_.views = reserve(layout_.operands * sizeof(View));
    layout_.bases = reserve(plan_.blocks.size() * sizeof(char*));
  }

  void place_shards() {
    std::size_t register_bytes = 0;
    if (!p_.carried.empty() && p_.shape(p_.carried[0]).rank() > 0)
      layout_.rows = p_.shape(p_.carried[0])[0];
    for (const PlanStep& s : plan_.steps) {
      register_bytes = std::max(register_bytes, static_cast<std::size_t>(s.as_tiles.registers) *
                                                    s.as_tiles.register_bytes());
      for (const ProductTerm& t : s.as_product.terms)
        layout_.work_per_row += t.a.cols * s.as_product.out.cols;
      layout_.work_per_row += 8 * s.as_tiles.cols * static_cast<int64_t>(s.as_tiles.ops.size());
    }
    layout_.shard_bytes = rounded_up(plan_.blocks.size() * sizeof(char*)) + register_bytes;
  }

  // --- what is handed on

  void find_carried() {
    for (std::size_t k = 0; k < p_.carried.size(); ++k) {
      const ValueId v = p_.carried[k], next = p_.next[k];
      if (plan_.history[k]) layout_.histories.push_back({region(v), *plan_.history[k]});
      if (next == v) continue;
      const std::size_t bytes = p_.type(v).bytes();
      const bool in_slab = block(region(next)).kind == Block::slab;
      layout_.carried.push_back({region(v).block, region(next), plan_.copied[k], in_slab,
                                 plan_.copied[k] || in_slab ? reserve(2 * rounded_up(bytes)) : 0,
                                 bytes});
    }
  }

  void find_results() {
    for (std::size_t i = 0; i < p_.n_inputs(); ++i)
      if (const ValueId v = p_.input(i); p_[v].batch_first)
        (by_shard(v) ? layout_.gathered : layout_.gathered_at_once).push_back(batch_first(i, v));
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      if (r.batch_first) {
        (by_shard(r.value) ? layout_.scattered : layout_.scattered_at_once)
            .push_back(batch_first(k, r.value));
      } else if (r.kind == ProgramResult::sequence) {
        if (!lies_with_caller(r.value, k))
          layout_.sequences.push_back({k, r.value, outside(r.value)});
      } else if (made_after(r.value)) {
        if (!p_.is_fixed(r.value))
          layout_.after_results.push_back({k, r.value, region(r.value)});
        else if (!lies_with_caller(r.value, k))
          layout_.fixed_results.push_back({k, r.value, region(r.value)});
      } else {
        (r.kind == ProgramResult::sum ? layout_.sums : layout_.lasts)
            .push_back({k, r.value, region(r.value)});
      }
      if (r.kind == ProgramResult::sum && !(made_after(r.value) && p_.is_fixed(r.value)))
        layout_.summed_results.push_back(k);
    }
  }
  void find_growing() {
    for (const Instruction& i : p_.loop)
      if (i.summed) grows(layout_.step_sums, i.outputs[0], {});
    for (std::size_t k : layout_.summed_results) grows(layout_.step_sums, p_.results[k].value, k);
    for (ValueId v : layout_.summed) grows(layout_.stretch_sums, v, {});
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
  // Whether the rows of a shard are all that matters to it until the loop ends. A step with one
  // axis is a row that all of them read.
  bool by_shard(ValueId v) const {
    const auto reads = [v](const OutsideCall& c) { return c.instruction->reads(v); };
    const int64_t batch = p_.shape(v)[0];
    return batch == plan_.independent_rows && region(v).rows == batch && !made_after(v) &&
           std::none_of(layout_.before.begin(), layout_.before.end(), reads);
  }
  bool lies_with_caller(ValueId v, std::size_t result) const {
    const Block& b = block(outside(v));
    return b.kind == Block::external && b.index == p_.n_inputs() + result;
  }

  const Uses& uses_;
  const Program& p_;
  const Plan& plan_;
  Layout layout_;
  std::vector<Packing> outside_packings_;
};

}  // namespace

ShortStretches::ShortStretches(int64_t steps) : longest_(longest_stretch, steps) {}

int64_t Layout::steps_at_once(int64_t time) const {
  constexpr std::size_t cached_bytes = 1 << 20;
  constexpr int64_t fewest_rows = 256;  // of a product outside the loop
  int64_t most = std::min(time, longest_stretch);
  if (slab_bytes > 0)
    most = std::min(most, std::max(static_cast<int64_t>(cached_bytes / slab_bytes),
                                   (fewest_rows - 1) / std::max<int64_t>(rows, 1) + 1));
  // What has no such sums keeps its stretches, and so the size of its arena.
  if (!step_sums.empty()) most = std::min(most, most_summed);
  const int64_t stretches = (time - 1) / most + 1;
  return (time - 1) / stretches + 1;
}

Layout lay_out(const Uses& uses, const Plan& plan) { return LayoutMaker(uses, plan).make(); }

}  // namespace tempo
