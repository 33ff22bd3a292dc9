// SPDX-License-Identifier: Apache-2.0
// The stages of the loop, in order: products, groups of tiles, and calls for all other ops.
#include <algorithm>

#include "program/plan/planner.hpp"

namespace tempo {

namespace {

class Planner {
 public:
  Planner(const Uses& uses, Plan& plan)
      : uses_(uses),
        p_(uses.program()),
        plan_(plan),
        places_(uses, plan),
        parts_(find_parts(uses, places_)),
        additions_(uses, places_) {}

  void run() {
    for (std::size_t k = 0; k < p_.loop.size(); ++k) add(k);
    place_what_groups_share();
    bind();
    places_.place_views();
    IndependentRows rows = independent_rows(uses_, plan_);
    plan_.independent_rows = rows.parts;
    plan_.why_not_independent = std::move(rows.why_not);
    plan_.channels = channel_loop(uses_, plan_, members_);
    plan_.parts_together = parts_together(uses_, plan_);
    plan_.column_parts = column_parts(uses_, plan_);
  }

 private:
  // --- the order

  void add(std::size_t index) {
    const Instruction& i = p_.loop[index];
    if (uses_.is_view(i)) return;
    if (parts_.count(&i)) return add_parts(i);
    if (const Additions::Done* addition = additions_.done(i)) {
      places_.place_at(i.outputs[0], addition->lies_at);
      made_at_[i.outputs[0]] = made_at_.at(uses_.root(addition->product));
      return;
    }
    if (is_elementwise(uses_, i) || folds_rows(p_, i) || folds_columns(p_, i))
      return add_to_group(i);
    if (additions_.joined(i)) return;
    const bool product = is_product(uses_, i);
    const bool elsewhere = product && additions_.to(i).lies_at.has_value();
    for (ValueId v : i.outputs) {
      if (!places_.placed(v) && !elsewhere) places_.place(v, Block::scratch);
      made_at_[v] = plan_.stages.size();
    }
    if (!product) return plan_.stages.push_back(CallStage{index});
    products_[plan_.stages.size()] = &i;
    plan_.stages.push_back(ProductStage{});
  }

  void add_parts(const Instruction& i) {
    for (ValueId v : i.inputs)
      if (const auto at = made_at_.find(uses_.root(v)); at != made_at_.end())
        for (ValueId out : i.outputs) made_at_[out] = std::max(made_at_[out], at->second);
    if (!splits_columns(i)) return;
    const ValueId whole = i.inputs[0];
    if (const auto at = group_of_.find(uses_.root(whole)); at != group_of_.end())
      for (ValueId out : i.outputs) group_of_[out] = at->second;
    if (!places_.placed(whole)) places_.place(whole, Block::scratch);
    places_.cut(whole, i.outputs);
  }

  // Adds it to the first group that it fits and that comes after, or makes, its operands.
  void add_to_group(const Instruction& i) {
    const ValueId out = i.outputs[0];
    std::size_t at = 0;
    for (ValueId v : i.inputs)
      if (const auto made = made_at_.find(uses_.root(v)); made != made_at_.end())
        at = std::max(at, made->second + (in_group(v, i) ? 0 : 1));
    while (at < plan_.stages.size() && !takes(plan_.stages[at], i)) ++at;
    if (at == plan_.stages.size())
      plan_.stages.push_back(TileStage{rows_of(p_, i), cols_of(p_, i)});
    TileStage& group = group_at(at);
    if (const int64_t rows = matrix_rows(uses_, i)) group.matrix_rows = rows;
    group.whole_rows |= folds_rows(p_, i) || group.matrix_rows > 0;
    group.cols = std::max(group.cols, cols_of(p_, i));
    made_at_[out] = at;
    if (!folds_columns(p_, i)) group_of_[out] = at;  // a folded row is complete after the group
    member_of_[&i] = at;
    members_[at].push_back(&i);
  }
  TileStage& group_at(std::size_t stage) { return std::get<TileStage>(plan_.stages[stage]); }
  const TileStage& group_at(std::size_t stage) const {
    return std::get<TileStage>(plan_.stages[stage]);
  }
  bool takes(const Stage& stage, const Instruction& i) const {
    const auto* group = std::get_if<TileStage>(&stage);
    return group && fits(*group, i);
  }
  bool fits(const TileStage& group, const Instruction& i) const {
    const int64_t rows = matrix_rows(uses_, i);
    return group.rows == rows_of(p_, i) && (group.whole_rows || group.cols == cols_of(p_, i)) &&
           (rows == 0 || group.matrix_rows == 0 || rows == group.matrix_rows);
  }
  bool in_group(ValueId v, const Instruction& i) const {
    const auto at = group_of_.find(uses_.root(v));
    if (at == group_of_.end()) return false;
    const TileStage& group = group_at(at->second);
    return fits(group, i) && rows_of(uses_.type(v).shape) == group.rows;
  }

  // --- the regions that each stage reads and writes, once the order is known

  void place_what_groups_share() {
    for (const auto& [at, members] : members_)
      for (const Instruction* i : members)
        if (const ValueId v = i->outputs[0];
            !places_.placed(v) && (folds_columns(p_, *i) || !only_inside_group(v, at)))
          places_.place(v, Block::scratch);
  }
  bool only_inside_group(ValueId v, std::size_t group) const {
    const auto inside = [&](const Instruction* reader) {
      const auto member = member_of_.find(reader);
      if (member != member_of_.end()) return member->second == group;
      const auto at = group_of_.find(reader->outputs[0]);
      return at != group_of_.end() && at->second == group;
    };
    const std::vector<const Instruction*>& readers = uses_.readers(v);
    return uses_.only_inside(v) && std::all_of(readers.begin(), readers.end(), inside);
  }

  void bind() {
    Tiles tiles(uses_, places_, plan_);
    for (const auto& [at, members] : members_) tiles.fill(group_at(at), members);
    for (const auto& [at, instruction] : products_) plan_.stages[at] = product(*instruction);
  }
  ProductStage product(const Instruction& i) {
    const Additions::Added& added = additions_.to(i);
    ProductStage stage;
    const ProductSize size = size_of_product(p_, i);
    stage.blocks = size.blocks;
    if (added.product)
      stage.blocks = std::max(stage.blocks, size_of_product(p_, *added.product).blocks);
    if (added.product) stage.terms.push_back(term(*added.product));
    stage.terms.push_back(term(i));
    stage.out = in_blocks(places_.region(added.lies_at.value_or(i.outputs[0])), size.rows,
                          size.blocks * size.n, stage.blocks);
    stage.accumulates = added.in_place;
    if (added.row) stage.bias = places_.region(*added.row);
    return stage;
  }
  ProductTerm term(const Instruction& i) {
    const ProductSize size = size_of_product(p_, i);
    return {in_blocks(places_.region(i.inputs[0]), size.rows, size.blocks * size.k, size.blocks),
            i.inputs[1], i.is_set("transpose_b"), size.blocks > 1, i.is_set(runs_in_int8)};
  }
  // A region whose rows have `columns` columns, are one block of them each, or follow one another.
  // A matrix of one block serves all blocks of the other side.
  static BlockedRegion in_blocks(Region r, int64_t rows, int64_t columns, int64_t blocks) {
    const int64_t block = columns / blocks;
    int64_t stride = blocks > 1 ? block * r.col_stride : 0;
    if (r.rows != rows && r.cols == block)
      stride = std::exchange(r.row_stride, r.row_stride * blocks);
    else if (r.rows != rows)
      r.row_stride = columns * r.col_stride;
    r.rows = rows;
    r.cols = block;
    return {r, stride};
  }

  const Uses& uses_;
  const Program& p_;
  Plan& plan_;
  Places places_;
  const std::set<const Instruction*> parts_;
  const Additions additions_;
  std::map<ValueId, std::size_t> made_at_, group_of_;    // the stage of a value
  std::map<const Instruction*, std::size_t> member_of_;  // its group
  Members members_;
  std::map<std::size_t, const Instruction*> products_;  // by stage
};

}  // namespace

Plan make_plan(const Uses& uses, bool rows_end) {
  Plan plan;
  plan.rows_end = rows_end;
  Planner(uses, plan).run();
  return plan;
}

}  // namespace tempo
