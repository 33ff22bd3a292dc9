// SPDX-License-Identifier: Apache-2.0
// The parts of the planner: one class or function for each question, each answered in its own file.
// plan.cpp makes a Plan with them.
#pragma once

#include <map>
#include <set>

#include "program/plan/plan.hpp"

namespace tempo {

/// The places of values: the blocks of a Plan, and the region of each value. It begins with the
/// caller's memory, with values that the sections around the loop need of every step, and with
/// values that the next step reads.
class Places {
 public:
  Places(const Uses& uses, Plan& plan);

  bool placed(ValueId v) const { return at(v).has_value(); }
  Region region(ValueId v) const { return as_matrix(at(v).value(), uses_.type(v).shape); }
  /// Adds a block to the Plan.
  std::size_t block(const Block& b);
  /// Places a value in a block of its own.
  void place(ValueId v, Block::Kind kind);
  /// Places a value in the place of another one.
  void place_at(ValueId v, ValueId other);
  /// Places values side by side inside another value, in their order.
  void cut(ValueId whole, const ValueIds& parts);
  /// Adds the places of views to the Plan.
  void place_views();

 private:
  std::optional<Region>& at(ValueId v) { return plan_.regions[uses_.root(v)]; }
  const std::optional<Region>& at(ValueId v) const { return plan_.regions[uses_.root(v)]; }
  Region whole(const Block& block, ValueId v);
  void place_inputs();
  void place_results();
  void place_section(const std::vector<Instruction>& section);
  void place_every_step(ValueId value);
  void place_next_states();
  bool needs_slab(ValueId v) const;
  void keep_history(ValueId v, const Block& block);

  const Uses& uses_;
  const Program& p_;
  Plan& plan_;
};

/// Whether all readers of a value, except one instruction, can read rows that are not adjacent: an
/// elementwise op, a fold, the left side of a product; not a call, and not in another shape.
bool read_as_part(const Uses& uses, ValueId v, const Instruction* but = nullptr);

/// Finds splits and concatenations that cost nothing because their parts lie in one block, and
/// places the parts of concatenations.
std::set<const Instruction*> find_parts(const Uses& uses, Places& places);

/// The additions that products do: of another product, of an earlier value, of a row.
class Additions {
 public:
  Additions(const Uses& uses, Places& places);

  /// An addition that needs no stage: the value in whose place its result is, and the product.
  struct Done {
    ValueId lies_at, product;
  };
  const Done* done(const Instruction& addition) const;

  /// The operands that a product adds to its own result.
  struct Added {
    std::optional<ValueId> lies_at;        // the value in whose place the sum is, if not its own
    bool in_place = false;                 // to the values in that place
    const Instruction* product = nullptr;  // the result of another product
    std::optional<ValueId> row;            // a row that is added to each of its own
  };
  const Added& to(const Instruction& product) const;
  /// Whether another product computes this one's result as well.
  bool joined(const Instruction& product) const { return joined_.count(&product) > 0; }

 private:
  void find_sums();
  bool add_to(const Instruction& addition, ValueId product, ValueId other);
  bool takes(const Instruction& addition, ValueId product) const;
  bool same_rows(const Instruction& a, const Instruction& b) const;
  bool join(const Instruction& addition, const Instruction& product, ValueId other);
  bool add_in_place(ValueId total, const Instruction& product, ValueId other);
  bool can_lie_at(const Instruction& made, ValueId total) const;
  bool may_lie_apart(const Instruction& before, ValueId total) const;
  bool writes_rows(const Instruction& product, ValueId total) const;
  bool can_lie_in_part(ValueId total) const;
  void find_rows();
  bool is_row(ValueId v, const Instruction& product, const Shape& of) const;

  const Uses& uses_;
  Places& places_;
  std::map<const Instruction*, Added> added_;
  std::set<const Instruction*> joined_;
  std::map<const Instruction*, Done> done_;
  ValueSet in_parts_;  // totals that have the place of a part of a split
};

/// Whether an instruction is elementwise with operands that a tile can read.
bool is_elementwise(const Uses& uses, const Instruction& instruction);
/// The columns, and the rows, over which an elementwise op or a fold runs.
int64_t cols_of(const Program& program, const Instruction& instruction);
int64_t rows_of(const Program& program, const Instruction& instruction);
/// The rows of a matrix if it is known in which matrix each row is; else 0.
int64_t matrix_rows(const Uses& uses, const Instruction& instruction);

/// Makes the ops of groups: values without a place live in registers of the tile.
class Tiles {
 public:
  Tiles(const Uses& uses, Places& places, Plan& plan) : uses_(uses), places_(places), plan_(plan) {}
  void fill(TileStage& group, const std::vector<const Instruction*>& members);

 private:
  struct Member;
  std::vector<Member> members_of(const TileStage& group,
                                 const std::vector<const Instruction*>& members) const;
  Member alone(const Instruction& i) const;
  std::optional<Member> with_product(const Instruction& sum, const Instruction& product) const;
  /// The place of an operand, and the distance between two matrices of the group in it.
  std::pair<Region, int64_t> operand(ValueId v, const Shape& shape, const TileStage& group);
  Region written_out(ValueId v, const Region& rows, int64_t count);

  const Uses& uses_;
  Places& places_;
  Plan& plan_;
  std::map<std::pair<ValueId, int64_t>, std::size_t> written_out_;  // by value and rows: its block
};

/// Compiles the ops of a group of matrices to machine code, if there is such for all of them.
void compile_matrices(TileStage& group);

/// The parts of the leading axis, or the matrices of a state, that go through all stages without
/// reading one another.
struct IndependentRows {
  int64_t parts = 0;         // 0: there is one row, or parts read one another
  std::string why_not = {};  // the reason if parts read one another
};
IndependentRows independent_rows(const Uses& uses, const Plan& plan);

/// The number of parts that go through a stretch together; 0 if all do.
int64_t parts_together(const Uses& uses, const Plan& plan);

/// The number of parts of products' columns that are worth a thread each; 1 if threads take rows.
int64_t column_parts(const Uses& uses, const Plan& plan);

/// The instructions of each group of tiles, by its stage.
using Members = std::map<std::size_t, std::vector<const Instruction*>>;
/// The loop as channels, if it is one of elementwise ops on few rows.
std::optional<ChannelLoop> channel_loop(const Uses& uses, const Plan& plan, const Members& members);

}  // namespace tempo
