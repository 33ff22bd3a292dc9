// SPDX-License-Identifier: Apache-2.0
// The analyses that passes and planner share: the makers and readers of each value of a Program,
// dependencies between values, and kinds of instructions.
#pragma once

#include "program/value_set.hpp"

namespace tempo {

/// Refers to the Program, which must not change: a pass asks before it rewrites, or keeps a
/// copy.
class Uses {
 public:
  /// The treatment of views, ops that change a shape and move no element: ordinary instructions
  /// (for passes), or nothing that is made or read (for the planner).
  enum class Views { instructions, seen_through };

  explicit Uses(const Program& program, Views views = Views::instructions);

  const Program& program() const { return p_; }
  const TensorType& type(ValueId v) const { return p_.type(v); }

  /// The value that holds the elements of v: v itself, unless v is a view.
  ValueId root(ValueId v) const { return roots_[v]; }
  /// Whether an instruction makes a view, which costs nothing.
  bool is_view(const Instruction& i) const { return root(i.outputs[0]) != i.outputs[0]; }

  /// The section that makes a value; nothing for an input.
  std::optional<Section> section(ValueId v) const { return of(v).section; }
  /// The instruction of this section that makes a value, or null.
  const Instruction* maker(ValueId v, Section in = Section::loop) const {
    return section(v) == in ? of(v).maker : nullptr;
  }
  /// The instructions of a section that read a value, once for each operand.
  const std::vector<const Instruction*>& readers(ValueId v, Section in = Section::loop) const {
    return of(v).readers[place(in)];
  }
  bool read_once(ValueId v) const { return readers(v).size() == 1; }
  /// The only reader of a value, if it is in the loop; null if there are other readers.
  const Instruction* only_reader(ValueId v) const;

  bool is_result(ValueId v) const { return of(v).result; }
  /// Whether it is a result, or read before or after the loop.
  bool read_outside(ValueId v) const {
    return is_result(v) || !readers(v, Section::before).empty() ||
           !readers(v, Section::after).empty();
  }
  /// Whether it is the next value of a state.
  bool is_next(ValueId v) const { return of(v).next; }
  /// Whether something reads it, or it is the next value of a state.
  bool is_needed(ValueId v) const { return !readers(v).empty() || read_outside(v) || is_next(v); }
  /// Whether only the present step reads it.
  bool only_inside(ValueId v) const { return !read_outside(v) && !is_next(v); }
  /// Whether it is known before the loop starts.
  bool there_before(ValueId v) const { return p_.is_fixed(v) && !maker(v); }
  /// Whether `before` made it as a sequence that the loop reads once and nothing else reads, so
  /// that the loop may write in its place.
  bool made_for_loop(ValueId v) const;

  /// Whether it is a state before the step, or the loop computes it from one.
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

/// The flag of a product that runs in int8; its right side is rounded when it is packed.
inline constexpr const char* runs_in_int8 = "int8";
/// Whether an instruction is a product with a fixed right side that can be packed: of a matrix with
/// a matrix, or of its blocks of columns with a matrix each.
bool is_product(const Uses& uses, const Instruction& instruction);
/// The extents of such a product: a [rows, blocks x k] and its result [rows, blocks x n].
struct ProductSize {
  int64_t rows, blocks, k, n;
};
ProductSize size_of_product(const Program& program, const Instruction& product);
/// Whether a product has so few rows at a step that it is better to store its operands and run it
/// over all steps, where it reads its right side less often.
bool is_faster_over_time(const Program& program, const Instruction& product);
/// Whether it folds each row into one element, which remains a column.
bool folds_rows(const Program& program, const Instruction& instruction);
/// Whether a value of this shape has the matrices of a matrix state, [..., rows, columns], with as
/// many rows: of a state with the most axes, with at most 6 axes and 1024 rows.
bool is_of_matrix_state(const Program& program, const Shape& shape);
/// Whether it sums the rows of each such matrix into one row, which remains a row.
bool folds_columns(const Program& program, const Instruction& instruction);
/// Whether its inputs are side by side as columns of its result; or its results, of its input.
bool concatenates_columns(const Instruction& instruction);
bool splits_columns(const Instruction& instruction);
/// Whether it should run where its operands are in the cache: it is not worth storing them to run
/// it outside of the loop.
bool is_light(const Program& program, const Instruction& instruction);
/// Whether it reads values of a step alone, and no fixed value.
bool reads_steps_alone(const Program& program, const Instruction& instruction);
/// Whether its op can sum over a new leading axis of its inputs, so that the sum over time of its
/// results is one call.
bool sums_over_time(const Program& program, const Instruction& instruction);

/// The values and all that is computed from them; also the results of instructions for which
/// `begins` holds, and all that is computed from those.
ValueSet computed_from(const std::vector<Instruction>& instructions, ValueSet values,
                       const std::function<bool(const Instruction&)>& begins = {});
/// The values and all that they are computed from; also the inputs of instructions for which `ends`
/// holds, and all that those are computed from.
ValueSet needed_for(const std::vector<Instruction>& instructions, ValueSet values,
                    const std::function<bool(const Instruction&)>& ends = {});

}  // namespace tempo
