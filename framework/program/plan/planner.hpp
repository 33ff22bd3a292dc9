// What plan.cpp makes a Plan with: a class or function for each question, answered in a file each.
#pragma once

#include "program/instruction.hpp"
#include "program/plan/plan.hpp"

#include <map>
#include <set>

namespace tempo {

inline int64_t cols_of(const Shape& s) { return s.rank() ? s.back() : 1; }
inline int64_t rows_of(const Shape& s) { return cols_of(s) ? s.count() / cols_of(s) : 0; }

/// Who makes and who reads each value of a Program. Refers to it.
class Uses {
 public:
  explicit Uses(const Program& program);

  const Program& program() const { return p_; }
  const ProgramValue& value(int v) const { return p_.values[static_cast<std::size_t>(v)]; }
  const TensorType& type(int v) const { return value(v).type; }

  /// The instruction of the loop that makes a value, or null.
  const Instruction* maker(int v) const { return of(v).maker; }
  /// The instructions of the loop that read it.
  const std::vector<const Instruction*>& readers(int v) const { return of(v).readers; }
  bool read_once(int v) const { return readers(v).size() == 1; }
  /// The next value of a state.
  bool carried(int v) const { return of(v).carried; }
  /// Nothing but the step at hand reads it.
  bool only_inside(int v) const { return !of(v).outside && !carried(v); }
  /// Known before the loop starts.
  bool there_before(int v) const { return value(v).standing == Standing::fixed && !maker(v); }
  bool made_after(int v) const { return of(v).made_after; }
  /// A sequence that `before` made for one reading in the loop alone, so that the loop may write
  /// where it lies.
  bool made_for_loop(int v) const;

 private:
  struct Use {
    const Instruction* maker = nullptr;
    std::vector<const Instruction*> readers;
    bool outside = false;  // a result, or read before or behind the loop
    bool carried = false;
    bool made_before = false, made_after = false;
  };
  Use& of(int v) { return uses_[static_cast<std::size_t>(v)]; }
  const Use& of(int v) const { return uses_[static_cast<std::size_t>(v)]; }

  const Program& p_;
  std::vector<Use> uses_;
};

/// Where values lie: the blocks of a Plan, and the region of each value. Begins with what the
/// caller holds, what the sections around the loop need of every step, and what the next step
/// reads.
class Places {
 public:
  Places(const Uses& uses, Plan& plan);

  Region& region(int v) { return plan_.regions[static_cast<std::size_t>(v)]; }
  bool placed(int v) { return region(v).block != -1; }
  int block(Block b);
  /// A block of a value's own.
  void place(int v, Block::Kind kind);
  /// Places values side by side in another, in their order.
  void cut(int whole, const std::vector<int>& parts);

 private:
  Region whole(int block, int v) const;
  void place_inputs();
  void place_results();
  void place_section(const std::vector<Instruction>& section);
  void place_every_step(int v);
  void place_next_states();
  void keep_history(int v, const Block& block);

  const Uses& uses_;
  const Program& p_;
  Plan& plan_;
};

/// Whether all that reads a value, but for one instruction, can read rows that lie apart: an
/// elementwise op, a fold, a product on its left side; no call.
bool read_as_part(const Uses& uses, int v, const Instruction* but = nullptr);

/// Splits and concatenations whose parts lie in one block and so cost nothing; places the parts of
/// concatenations.
std::set<const Instruction*> find_parts(const Uses& uses, Places& places);

/// The additions that products do: of another product, of a value that is there before, of a row.
class Additions {
 public:
  Additions(const Uses& uses, Places& places);

  /// An addition that costs no step: the value where its result lies, and the product's result.
  struct Done {
    int lies_at, product;
  };
  const Done* done(const Instruction& addition) const;

  /// What a product adds to its own result.
  struct Added {
    int lies_at = -1;                      // the value where all this lies; -1: its own
    bool in_place = false;                 // to what lies there already
    const Instruction* product = nullptr;  // the result of another product
    int row = -1;                          // a row to each of its own
  };
  const Added& to(const Instruction& product) const;
  /// Whether another product makes this one's result.
  bool joined(const Instruction& product) const { return joined_.count(&product) > 0; }

 private:
  void find_sums();
  bool add_to(const Instruction& addition, int product, int other);
  bool takes(const Instruction& addition, int product) const;
  bool join(const Instruction& addition, const Instruction& product, int other);
  bool add_in_place(int total, const Instruction& product, int other);
  bool can_lie_at(const Instruction& made, int total) const;
  bool can_lie_in_part(int total) const;
  void find_rows();
  bool is_row(int v, const TensorType& of) const;

  const Uses& uses_;
  Places& places_;
  std::map<const Instruction*, Added> added_;
  std::set<const Instruction*> joined_;
  std::map<const Instruction*, Done> done_;
  std::set<int> in_parts_;  // totals that lie where a part of a split does
};

/// Whether an instruction is elementwise with operands that a tile can read.
bool is_elementwise(const Program& program, const Instruction& instruction);
/// The columns that an elementwise op or a fold runs over.
int64_t cols_of(const Program& program, const Instruction& instruction);

/// Makes the ops of groups: what has no place lives in registers of the tile.
class Tiles {
 public:
  Tiles(const Uses& uses, Places& places, Plan& plan) : uses_(uses), places_(places), plan_(plan) {}
  void fill(TileStep& group, const std::vector<const Instruction*>& members);

 private:
  Region operand(int v, const Shape& shape, const TileStep& group);
  Region written_out(int v, const Region& row);

  const Uses& uses_;
  Places& places_;
  Plan& plan_;
  std::map<std::pair<int, int64_t>, int> written_out_;  // by value and rows: its block
};

/// How many rows go through all steps without reading one another; 0 if they do.
int64_t independent_rows(const Uses& uses, const std::vector<PlanStep>& steps);

}  // namespace tempo
