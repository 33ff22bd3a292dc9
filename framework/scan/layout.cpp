#include "scan/layout.hpp"

#include "tensor/packed.hpp"

#include <algorithm>

namespace tempo {

namespace {

class LayoutMaker {
 public:
  LayoutMaker(const Program& p, const Plan& plan) : p_(p), plan_(plan) {}

  Layout make() {
    find_outside();
    place_blocks();
    find_carried();
    find_results();
    place_shards();
    return std::move(layout_);
  }

 private:
  const ProgramValue& value(int v) const { return p_.values[static_cast<std::size_t>(v)]; }
  const Region& region(int v) const { return plan_.regions[static_cast<std::size_t>(v)]; }
  const Block& block(const Region& r) const {
    return plan_.blocks[static_cast<std::size_t>(r.block)];
  }
  std::size_t reserve(std::size_t bytes) {
    return std::exchange(layout_.bytes, layout_.bytes + rounded_up(bytes));
  }
  static bool makes(const std::vector<Instruction>& section, int v) {
    return std::any_of(section.begin(), section.end(), [v](const Instruction& i) {
      return std::find(i.outputs.begin(), i.outputs.end(), v) != i.outputs.end();
    });
  }

  // --- before and behind the loop

  void find_outside() {
    layout_.outside = plan_.regions;
    for (std::size_t k = 0; k < p_.carried.size(); ++k)
      layout_.outside[static_cast<std::size_t>(p_.carried[k])] = plan_.history[k];
    for (const Instruction& i : p_.before) layout_.before.push_back({&i, at_once(i)});
    for (const Instruction& i : p_.after) layout_.after.push_back({&i, at_once(i)});
    for (const auto* section : {&p_.before, &p_.loop, &p_.after})
      for (const Instruction& i : *section)
        layout_.most_operands = std::max(layout_.most_operands, i.inputs.size() + i.outputs.size());
  }
  // If nothing in it depends on time, or if its op keeps its meaning over a leading axis.
  bool at_once(const Instruction& i) const {
    if (value(i.outputs[0]).standing == Standing::fixed) return true;
    const int rank = value(i.outputs[0]).type.shape.rank();
    if (!i.op->kernel) return value(i.inputs[0]).standing != Standing::fixed;
    if (i.op->leading_axis == LeadingAxis::changes) return false;
    for (int v : i.inputs) {
      const bool fixed = value(v).standing == Standing::fixed;
      if (fixed && i.op->leading_axis != LeadingAxis::broadcast) return false;
      const int own = value(v).type.shape.rank();
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
      const int index = static_cast<int>(b);
      switch (block.kind) {
        case Block::external:
          if (block.of_each_step) layout_.each_step.push_back(index);
          break;
        case Block::slab:
          layout_.slabs.push_back(index);
          layout_.each_step.push_back(index);
          break;
        case Block::turns:
          layout_.turns.push_back(index);
          layout_.blocks[b] = reserve(2 * rounded_up(block.bytes));
          break;
        case Block::fixed:
        case Block::scratch: layout_.blocks[b] = reserve(block.bytes); break;
        case Block::state:
        case Block::registers: break;
      }
    }
    for (const PlanStep& s : plan_.steps)
      if (s.kind == PlanStep::product)
        layout_.packed.push_back(reserve(
            packed_bytes(s.as_product.a.dtype, s.as_product.a.cols, s.as_product.out.cols)));
    layout_.matrices = reserve(layout_.packed.size() * sizeof(PackedMatrix));
    layout_.views = reserve(layout_.most_operands * sizeof(View));
    layout_.bases = reserve(plan_.blocks.size() * sizeof(char*));
  }

  void place_shards() {
    int registers = 0;
    for (const PlanStep& s : plan_.steps) {
      registers = std::max(registers, s.as_tiles.registers);
      layout_.work_per_row +=
          s.kind == PlanStep::product
              ? s.as_product.a.cols * s.as_product.out.cols
              : 8 * s.as_tiles.cols * static_cast<int64_t>(s.as_tiles.ops.size());
    }
    layout_.shard_bytes = rounded_up(plan_.blocks.size() * sizeof(char*)) +
                          static_cast<std::size_t>(registers) * Plan::register_bytes;
  }

  // --- what is handed on

  void find_carried() {
    for (std::size_t k = 0; k < p_.carried.size(); ++k) {
      const int v = p_.carried[k], next = p_.next[k];
      if (plan_.history[k].block >= 0) layout_.histories.push_back({region(v), plan_.history[k]});
      if (next == v) continue;
      const std::size_t bytes = value(v).type.bytes();
      layout_.carried.push_back({region(v).block, region(next), plan_.copied[k],
                                 plan_.copied[k] ? reserve(2 * rounded_up(bytes)) : 0, bytes});
    }
  }

  void find_results() {
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      if (r.kind == ProgramResult::sequence) {
        if (!lies_with_caller(r.value, k))
          layout_.sequences.push_back(
              {k, r.value, layout_.outside[static_cast<std::size_t>(r.value)]});
      } else if (makes(p_.after, r.value)) {
        layout_.after_results.push_back({k, r.value, region(r.value)});
      } else {
        (r.kind == ProgramResult::sum ? layout_.sums : layout_.lasts)
            .push_back({k, r.value, region(r.value)});
      }
    }
  }
  bool lies_with_caller(int v, std::size_t result) const {
    const Block& b = block(layout_.outside[static_cast<std::size_t>(v)]);
    return b.kind == Block::external && b.index == static_cast<int>(p_.n_inputs() + result);
  }

  const Program& p_;
  const Plan& plan_;
  Layout layout_;
};

}  // namespace

Layout lay_out(const Program& program, const Plan& plan) {
  return LayoutMaker(program, plan).make();
}

}  // namespace tempo
