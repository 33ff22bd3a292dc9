// SPDX-License-Identifier: Apache-2.0
// A product of a state's matrix and a vector is a sum of rows or columns of an elementwise product,
// and an outer product is an elementwise product. The planner makes one pass over the matrix of
// these elementwise ops and folds. A number for each row of a matrix becomes a column.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

class Vectors {
 public:
  explicit Vectors(Program p) : p_(std::move(p)), column_(p_) {
    for (ValueId v : p_.carried)
      if (is_of_matrix_state(p_, p_.shape(v))) matrices_.push_back(p_.shape(v));
  }

  Program run() {
    if (matrices_.empty()) return std::move(p_);
    find_columns_read();
    for (Instruction& i : std::exchange(p_.loop, {})) add(i);
    return without_dead(std::move(p_));
  }

 private:
  void add(const Instruction& i) {
    if (!p_.is_fixed(i) && !i.summed &&
        ((i.is(matmul_op) && add_product(i)) || ((i.is(sum_op) || i.is(sum_to_op)) && add_sum(i)) ||
         (i.op->pointwise && i.outputs.size() == 1 && add_column(i))))
      return;
    if (i.is(reshape_op))
      if (const std::optional<Shape> column = column_shape(p_.shape(i.outputs[0]));
          column && *column == p_.shape(i.inputs[0]))
        column_[i.outputs[0]] = i.inputs[0];
    p_.loop.push_back(i);
  }

  // Whether this is the shape [..., rows, columns] of a state.
  bool is_matrix(const Shape& s) const {
    return std::any_of(matrices_.begin(), matrices_.end(), [&](const Shape& m) { return m == s; });
  }
  static Shape with_last(Shape s, int64_t rows, int64_t columns) {
    s[-2] = rows;
    s[-1] = columns;
    return s;
  }

  // --- products

  bool add_product(const Instruction& i) {
    const ValueId a = i.inputs[0], b = i.inputs[1];
    const Shape sa = p_.shape(a), sb = p_.shape(b), out = p_.shape(i.outputs[0]);
    const auto same_matrices = [&out](const Shape& s) {
      return s.rank() == out.rank() && std::equal(s.begin(), s.end() - 2, out.begin());
    };
    if (out.rank() < 3 || !same_matrices(sa) || !same_matrices(sb)) return false;
    const bool turned_a = i.is_set("transpose_a"), turned_b = i.is_set("transpose_b");
    const int64_t m = out[-2], n = out[-1], k = sa[turned_a ? -2 : -1];
    if (k == 1 && is_matrix(out)) {
      product(reshaped(p_, a, with_last(sa, m, 1)), reshaped(p_, b, with_last(sb, 1, n)));
      return name(i);
    }
    if (n == 1 && is_matrix(sa)) return add_sum_of(i, a, b, turned_a);
    if (m == 1 && is_matrix(sb)) return add_sum_of(i, b, a, !turned_b);
    return false;
  }
  ValueId product(ValueId a, ValueId b) { return append(p_, p_.loop, multiply_op, {}, {a, b})[0]; }
  // Sums the rows, or columns, of a matrix, each multiplied by an element of a vector.
  bool add_sum_of(const Instruction& i, ValueId matrix, ValueId vector, bool of_rows) {
    const Shape s = p_.shape(matrix);
    const Shape with = of_rows ? with_last(s, s[-2], 1) : with_last(s, 1, s[-1]);
    const Shape made = of_rows ? with_last(s, 1, s[-1]) : with_last(s, s[-2], 1);
    const ValueId all = product(matrix, reshaped(p_, vector, with));
    if (made != s) sum_to(all, made);  // else there is only one row, or column
    return named_as(i);
  }

  // --- sums

  bool add_sum(const Instruction& i) {
    const Shape s = p_.shape(i.inputs[0]);
    if (!is_matrix(s) || !is_floating(p_.type(i.inputs[0]).dtype)) return false;
    const std::optional<Shape> folded = folded_shape(i, s);
    if (!folded) return false;
    ValueId v = i.inputs[0];
    if ((*folded)[-1] == 1 && s[-1] > 1) v = sum_to(v, with_last(s, s[-2], 1));
    if ((*folded)[-2] == 1 && s[-2] > 1) v = sum_to(v, *folded);
    if (v != i.inputs[0]) return named_as(i);
    // Only axes of one element are folded.
    const Shape& out = p_.shape(i.outputs[0]);
    if (column_shape(out) == s) column_[i.outputs[0]] = v;
    append(p_, p_.loop, reshape_op, shape_attribute(out), {v});
    return name(i);
  }
  // The shape with 1 for the folded axes, if these are among the last two.
  std::optional<Shape> folded_shape(const Instruction& i, const Shape& s) const {
    if (i.is(sum_to_op)) {
      const Shape& out = p_.shape(i.outputs[0]);
      if (out.rank() != s.rank() || !std::equal(s.begin(), s.end() - 2, out.begin())) return {};
      return out;
    }
    Shape folded = s;
    for (int64_t axis : i.attributes.list("axes")) {
      const int64_t from_end = axis < 0 ? axis : axis - s.rank();
      if (from_end < -2) return {};
      folded[static_cast<int>(from_end)] = 1;
    }
    return folded;
  }
  ValueId sum_to(ValueId v, const Shape& shape) {
    return append(p_, p_.loop, sum_to_op, shape_attribute(shape), {v})[0];
  }

  // --- columns

  // The shape [..., rows, 1] for [..., rows] of a state.
  std::optional<Shape> column_shape(const Shape& s) const {
    for (const Shape& m : matrices_)
      if (s.rank() + 1 == m.rank() && std::equal(s.begin(), s.end(), m.begin()))
        return with_last(m, m[-2], 1);
    return {};
  }
  // Finds the values that are read as columns and never as rows.
  void find_columns_read() {
    ValueSet as_column, as_row;
    for (const Instruction& i : p_.loop)
      if (i.is(reshape_op))
        if (const std::optional<Shape> column = column_shape(p_.shape(i.inputs[0])))
          (p_.shape(i.outputs[0]) == *column ? as_column : as_row).insert(i.inputs[0]);
    for (const Instruction& i : p_.loop)
      for (ValueId v : i.outputs)
        if (as_column.contains(v) && !as_row.contains(v)) read_as_column_.insert(v);
  }
  // Rewrites an elementwise op with an operand or result that is a column in the shape of a
  // vector.
  bool add_column(const Instruction& i) {
    const Shape out = p_.shape(i.outputs[0]);
    const std::optional<Shape> column = column_shape(out);
    if (!column || !(read_as_column_.contains(i.outputs[0]) ||
                     std::any_of(i.inputs.begin(), i.inputs.end(),
                                 [this](ValueId v) { return column_[v].has_value(); })))
      return false;
    Shape single = out;
    single[-1] = 1;
    for (ValueId v : i.inputs)
      if (const Shape& s = p_.shape(v); s != out && s != single && s.count() != 1) return false;
    ValueIds inputs;
    for (ValueId v : i.inputs) {
      const Shape s = p_.shape(v);
      inputs.push_back(s == out      ? (column_[v] ? *column_[v] : reshaped(p_, v, *column))
                       : s == single ? reshaped(p_, v, with_last(*column, 1, 1))
                                     : v);
    }
    append(p_, p_.loop, *i.op, i.attributes, inputs);
    return named_as(i);
  }

  // --- gives a new value the number of the value that it replaces

  bool name(const Instruction& i) {
    p_.loop.back().outputs = i.outputs;
    return true;
  }
  bool named_as(const Instruction& i) {
    const ValueId made = p_.loop.back().outputs[0];
    const Shape& shape = p_.shape(i.outputs[0]);
    if (p_.shape(made) == shape) return name(i);
    if (const std::optional<Shape> column = column_shape(shape);
        column && *column == p_.shape(made))
      column_[i.outputs[0]] = made;
    reshaped(p_, made, shape);
    return name(i);
  }

  Program p_;
  std::vector<Shape> matrices_;
  ValueSet read_as_column_;
  ValueTable<std::optional<ValueId>> column_;  // for [..., rows]: the same value as a column
};

}  // namespace

Program vectors(Program p) { return Vectors(std::move(p)).run(); }

}  // namespace tempo
