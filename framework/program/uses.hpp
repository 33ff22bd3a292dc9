// SPDX-License-Identifier: Apache-2.0
// The analyses that passes and planner share: who makes and who reads each value of a Program, what
// follows from what, and what kind an instruction is of.
#pragma once

#include "program/value_set.hpp"

namespace tempo {

/// Refers to the Program, which must stay as it is: a pass asks before it rewrites, or keeps a
/// copy.
class Uses {
 public:
  /// How to see an op that gives a value another shape and moves none of its elements: as an
  /// instruction like any other (passes), or as nothing that is made or read (the planner).
  enum class Views { instructions, seen_through };

  explicit Uses(const Program& program, Views views = Views::instructions);

  const Program& program() const { return p_; }
  const TensorType& type(ValueId v) const { return p_.type(v); }

  /// The value that has the elements of this one: itself, but for a view.
  ValueId root(ValueId v) const { return roots_[v]; }
  /// Whether an instruction makes such a view, which costs nothing.
  bool is_view(const Instruction& i) const { return root(i.outputs[0]) != i.outputs[0]; }

  /// Where a value is made; an input is made nowhere.
  std::optional<Section> section(ValueId v) const { return of(v).section; }
  /// The instruction of this section that makes a value, or null.
  const Instruction* maker(ValueId v, Section in = Section::loop) const {
    return section(v) == in ? of(v).maker : nullptr;
  }
  /// The instructions of a section that read it, once for each operand.
  const std::vector<const Instruction*>& readers(ValueId v, Section in = Section::loop) const {
    return of(v).readers[place(in)];
  }
  bool read_once(ValueId v) const { return readers(v).size() == 1; }
  /// The one instruction that reads it, if that is in the loop and nothing else does; or null.
  const Instruction* only_reader(ValueId v) const;

  bool is_result(ValueId v) const { return of(v).result; }
  /// A result, or read before or after the loop.
  bool read_outside(ValueId v) const {
    return is_result(v) || !readers(v, Section::before).empty() ||
           !readers(v, Section::after).empty();
  }
  /// The next value of a state.
  bool is_next(ValueId v) const { return of(v).next; }
  /// Something reads it, or it is the next value of a state.
  bool is_needed(ValueId v) const { return !readers(v).empty() || read_outside(v) || is_next(v); }
  /// Nothing but the step at hand reads it.
  bool only_inside(ValueId v) const { return !read_outside(v) && !is_next(v); }
  /// Known before the loop starts.
  bool there_before(ValueId v) const { return p_.is_fixed(v) && !maker(v); }
  /// A sequence that `before` made for one reading in the loop alone, so that the loop may write
  /// where it lies.
  bool made_for_loop(ValueId v) const;

  /// The state before the step, and what the loop computes from it.
  bool reads_state(ValueId v) const { return from_state_.contains(v); }
  bool reads_state(const Instruction& i) const { return from_state_.contains_any(i.inputs); }

 private:
  struct Use {
    std::optional<Section> section = {};
    const Instruction* maker = nullptr;
    std::array<std::vector<const Instruction*>, all_sections.size()> readers;  // by section
    bool result = false, next = false;
  };
  static constexpr std::size_t place(Section s) { return static_cast<std::size_t>(s); }
  Use& of(ValueId v) { return uses_[root(v)]; }
  const Use& of(ValueId v) const { return uses_[root(v)]; }

  const Program& p_;
  ValueTable<ValueId> roots_;
  ValueTable<Use> uses_;
  ValueSet from_state_;
};

/// The flag of a product that runs in int8, with a right side that is rounded when it is packed.
inline constexpr const char* runs_in_int8 = "int8";
/// Whether an instruction is a product of a matrix with a fixed one, or of its blocks of columns
/// with one each, which can be packed.
bool is_product(const Uses& uses, const Instruction& instruction);
/// The extents of such a product: a [rows, blocks x k] and its result [rows, blocks x n].
struct ProductSize {
  int64_t rows, blocks, k, n;
};
ProductSize size_of_product(const Program& program, const Instruction& product);
/// Whether a product has so few rows at a step that over all steps, where it reads its right side
/// less often, it is worth that its operands are stored.
bool is_faster_over_time(const Program& program, const Instruction& product);
/// Whether it folds each row into one element, which stays a column.
bool folds_rows(const Program& program, const Instruction& instruction);
/// Whether a value of this shape has as many matrices, of as many rows, as a state of matrices,
/// [..., rows, columns]: one of the states with the most axes, of 6 axes and 1024 rows at most.
bool is_of_matrix_state(const Program& program, const Shape& shape);
/// Whether it sums the rows of each such matrix into one, which stays a row.
bool folds_columns(const Program& program, const Instruction& instruction);
/// Whether its several inputs, or results, are columns side by side in what is on the other side.
bool concatenates_columns(const Instruction& instruction);
bool splits_columns(const Instruction& instruction);
/// Whether it is best done where its operands are in the cache: not worth a place outside of the
/// loop.
bool is_light(const Program& program, const Instruction& instruction);
/// Whether it reads no fixed value: nothing but values of a step.
bool reads_steps_alone(const Program& program, const Instruction& instruction);
/// Whether its op sums over a leading axis that is put before those of its inputs, so that the sum
/// over time of what it makes is one call.
bool sums_over_time(const Program& program, const Instruction& instruction);

/// These values and all that is computed from them; also the results of the instructions for which
/// `begins` holds, and all that is computed from those.
ValueSet computed_from(const std::vector<Instruction>& instructions, ValueSet values,
                       const std::function<bool(const Instruction&)>& begins = {});
/// These values and all that they are computed from; also what the instructions for which `ends`
/// holds read, and all that this is computed from.
ValueSet needed_for(const std::vector<Instruction>& instructions, ValueSet values,
                    const std::function<bool(const Instruction&)>& ends = {});

}  // namespace tempo
