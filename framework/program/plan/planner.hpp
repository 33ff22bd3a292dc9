// SPDX-License-Identifier: Apache-2.0
// The parts of the planner: a class or function for each question, answered in a file each.
// plan.cpp makes a Plan with them.
#pragma once

#include <map>
#include <set>

#include "program/plan/plan.hpp"

namespace tempo {

/// Where values lie: the blocks of a Plan, and the region of each value. Begins with what the
/// caller holds, what the sections around the loop need of every step, and what the next step
/// reads.
class Places {
 public:
  Places(const Uses& uses, Plan& plan);

  bool placed(ValueId v) const { return at(v).has_value(); }
  Region region(ValueId v) const { return as_matrix(at(v).value(), uses_.type(v).shape); }
  /// A new block of the Plan.
  std::size_t block(const Block& b);
  /// Places a value in a block of its own.
  void place(ValueId v, Block::Kind kind);
  /// Places a value where another one lies.
  void place_at(ValueId v, ValueId other);
  /// Places values side by side in another, in their order.
  void cut(ValueId whole, const ValueIds& parts);
  /// Notes in the Plan where views lie.
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

/// Whether all that reads a value, but for one instruction, can read rows that lie apart: an
/// elementwise op, a fold, a product on its left side; no call, and not as another matrix.
bool read_as_part(const Uses& uses, ValueId v, const Instruction* but = nullptr);

/// Splits and concatenations whose parts lie in one block and so cost nothing; places the parts of
/// concatenations.
std::set<const Instruction*> find_parts(const Uses& uses, Places& places);

/// The additions that products do: of another product, of a value that is there before, of a row.
class Additions {
 public:
  Additions(const Uses& uses, Places& places);

  /// An addition that costs no stage: the value where its result lies, and the product's result.
  struct Done {
    ValueId lies_at, product;
  };
  const Done* done(const Instruction& addition) const;

  /// What a product adds to its own result.
  struct Added {
    std::optional<ValueId> lies_at;        // the value where all this lies, if not its own
    bool in_place = false;                 // to what lies there already
    const Instruction* product = nullptr;  // the result of another product
    std::optional<ValueId> row;            // a row to each of its own
  };
  const Added& to(const Instruction& product) const;
  /// Whether another product makes this one's result.
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
  ValueSet in_parts_;  // totals that lie where a part of a split does
};

/// Whether an instruction is elementwise with operands that a tile can read.
bool is_elementwise(const Uses& uses, const Instruction& instruction);
/// The columns, and the rows, that an elementwise op or a fold runs over.
int64_t cols_of(const Program& program, const Instruction& instruction);
int64_t rows_of(const Program& program, const Instruction& instruction);
/// The rows of a matrix, where one knows what matrix a row is in; else 0.
int64_t matrix_rows(const Uses& uses, const Instruction& instruction);

/// Makes the ops of groups: what has no place lives in registers of the tile.
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
  /// Where it lies, and how far it is from one matrix of the group to the next.
  std::pair<Region, int64_t> operand(ValueId v, const Shape& shape, const TileStage& group);
  Region written_out(ValueId v, const Region& rows, int64_t count);

  const Uses& uses_;
  Places& places_;
  Plan& plan_;
  std::map<std::pair<ValueId, int64_t>, std::size_t> written_out_;  // by value and rows: its block
};

/// The parts of the leading axis, or the matrices of a state, that go through all stages without
/// reading one another.
struct IndependentRows {
  int64_t parts = 0;         // 0: there is one row, or they read one another
  std::string why_not = {};  // in the second case
};
IndependentRows independent_rows(const Uses& uses, const Plan& plan);

/// The number of parts that go through a stretch together; 0 if all of them do.
int64_t parts_together(const Uses& uses, const Plan& plan);

/// Into how many parts the columns of products are worth cutting; 1 where threads take rows.
int64_t column_parts(const Uses& uses, const Plan& plan);

/// Of each group of tiles, by its stage, the instructions of its ops.
using Members = std::map<std::size_t, std::vector<const Instruction*>>;
/// The loop as channels, if it is one of elementwise ops on few rows.
std::optional<ChannelLoop> channel_loop(const Uses& uses, const Plan& plan, const Members& members);

}  // namespace tempo
