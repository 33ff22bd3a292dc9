// SPDX-License-Identifier: Apache-2.0
// A product with several fixed matrices, however it is written, becomes one product of blocks, with
// the blocks of each row side by side: rows are stored that way, so nothing is transposed.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/value_set.hpp"

namespace tempo {

namespace {

using Order = std::vector<int64_t>;  // axes in the order of a result

class Blocks {
 public:
  explicit Blocks(Program p) : given_(std::move(p)), p_(given_), maker_(given_) {
    p_.loop.clear();
    for (const Instruction& i : given_.loop)
      for (ValueId v : i.outputs) maker_[v] = &i;
  }

  Program run() {
    for (const Instruction& i : given_.loop) add(i);
    return std::move(p_);
  }

 private:
  // The axes of a product before its last two, by their extent in the right side.
  struct Axes {
    Order rows;                          // extent 1: all rows meet the same matrix
    Order blocks;                        // a matrix for each index
    bool shared = false, apart = false;  // whether the left side has extent 1 along them, or not
  };

  void add(Instruction i) {
    const bool candidate = i.is(matmul_op) && !p_.is_fixed(i) && p_.is_fixed(i.inputs[1]) &&
                           p_.shape(i.outputs[0]).rank() > 2 &&
                           p_.shape(i.outputs[0]).count() > 0 && p_.shape(i.inputs[1]).count() > 0;
    if (!candidate) return p_.loop.push_back(std::move(i));
    const Axes axes = axes_of(i);
    if (axes.shared && axes.apart) return p_.loop.push_back(std::move(i));
    const bool dense = axes.blocks.empty() || axes.shared;
    if (!dense && !lies_by_row(i, axes)) return p_.loop.push_back(std::move(i));
    const ValueId rows = left_side(i, axes, dense), right = right_side(i, axes, dense);
    const ValueId made =
        append(p_, p_.loop, dense ? matmul_op : block_matmul_op,
               {{"transpose_b", int64_t{i.is_set("transpose_b")}}}, {rows, right})[0];
    put_back(i, axes, made);
  }

  Axes axes_of(const Instruction& i) const {
    const Shape a = padded(i, 0), b = padded(i, 1);
    Axes axes;
    for (int axis = 0; axis + 2 < a.rank(); ++axis) {
      if (b[axis] == 1) {
        axes.rows.push_back(axis);
        continue;
      }
      axes.blocks.push_back(axis);
      (a[axis] == 1 ? axes.shared : axes.apart) = true;
    }
    return axes;
  }
  // Whether the blocks of a row are adjacent, or would be without a preceding transpose.
  bool lies_by_row(const Instruction& i, const Axes& axes) const {
    const Shape s = padded(i, 0);
    const bool one_row = s[i.is_set("transpose_a") ? -1 : -2] == 1;
    const bool blocks_last = axes.rows.empty() || axes.blocks.front() > axes.rows.back();
    if (one_row && blocks_last) return true;
    ValueId v = i.inputs[0];
    for (const Instruction* made = maker_[v]; made; made = maker_[v]) {
      if (made->is(transpose_op)) return true;
      if (!made->is(reshape_op)) break;
      v = made->inputs[0];
    }
    return false;
  }
  // The shape of an operand, padded to the rank of the result.
  Shape padded(const Instruction& i, std::size_t operand) const {
    Shape s = p_.shape(i.inputs[operand]);
    while (s.rank() < p_.shape(i.outputs[0]).rank()) s = s.prepended(1);
    return s;
  }

  // [rows, blocks, k], or [rows, k]
  ValueId left_side(const Instruction& i, const Axes& axes, bool dense) {
    const Shape s = padded(i, 0);
    const int64_t last = s.rank() - 1, of_rows = i.is_set("transpose_a") ? last : last - 1,
                  inner = 2 * last - 1 - of_rows;
    Order order = axes.rows;
    order.push_back(of_rows);
    order.insert(order.end(), axes.blocks.begin(), axes.blocks.end());
    order.push_back(inner);
    const int64_t k = s[static_cast<int>(inner)], blocks = dense ? 1 : extent(s, axes.blocks);
    const ValueId turned = transposed(reshaped(p_, i.inputs[0], s), order);
    const int64_t rows = s.count() / std::max<int64_t>(1, k * blocks);
    return reshaped(p_, turned, dense ? Shape{rows, k} : Shape{rows, blocks, k});
  }
  // [blocks, k, n], or all blocks side by side
  ValueId right_side(const Instruction& i, const Axes& axes, bool dense) {
    const Shape s = padded(i, 1);
    const int64_t blocks = extent(s, axes.blocks), first = s[-2], second = s[-1];
    const ValueId all = reshaped(p_, i.inputs[1], {blocks, first, second});
    if (!dense) return all;
    if (i.is_set("transpose_b")) return reshaped(p_, all, {blocks * first, second});
    return reshaped(p_, transposed(all, {1, 0, 2}), {first, blocks * second});
  }
  // Brings [rows, blocks, n] into the result's order of axes, under the result's number.
  void put_back(const Instruction& i, const Axes& axes, ValueId made) {
    const Shape& out = p_.shape(i.outputs[0]);
    Order order = axes.rows;
    order.push_back(out.rank() - 2);
    order.insert(order.end(), axes.blocks.begin(), axes.blocks.end());
    order.push_back(out.rank() - 1);
    Shape laid;
    Order back(order.size());
    for (std::size_t n = 0; n < order.size(); ++n) {
      laid.push_back(out[static_cast<int>(order[n])]);
      back[static_cast<std::size_t>(order[n])] = static_cast<int64_t>(n);
    }
    transposed(reshaped(p_, made, laid), back);
    p_.loop.back().outputs = i.outputs;
  }

  static int64_t extent(const Shape& s, const Order& axes) {
    int64_t count = 1;
    for (int64_t axis : axes) count *= s[static_cast<int>(axis)];
    return count;
  }
  ValueId transposed(ValueId v, Order order) {
    if (std::is_sorted(order.begin(), order.end())) return v;
    for (int64_t& axis : order) axis -= static_cast<int64_t>(order.size());
    return append(p_, p_.loop, transpose_op, {{"permutation", order}}, {v})[0];
  }

  const Program given_;
  Program p_;
  ValueTable<const Instruction*> maker_;
};

}  // namespace

Program blocks(Program p) { return Blocks(std::move(p)).run(); }

}  // namespace tempo
