// SPDX-License-Identifier: Apache-2.0
// Two successive transposes become one. A cut or a concatenation along a middle axis becomes one
// along the last axis, after the axes from it on are merged: columns cost nothing.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/value_set.hpp"

namespace tempo {

namespace {

class Views {
 public:
  explicit Views(Program p) : p_(std::move(p)), turned_(p_) {}

  Program run() {
    for (Instruction& i : std::exchange(p_.loop, {})) add(std::move(i));
    return std::move(p_);
  }

 private:
  using Order = std::vector<int64_t>;
  struct Turned {
    ValueId from;
    Order order;
  };

  void add(Instruction i) {
    if (p_.is_fixed(i)) return p_.loop.push_back(std::move(i));
    if (i.is(transpose_op)) return turn(std::move(i));
    if (i.is(reshape_op) && p_.type(i.inputs[0]) == p_.type(i.outputs[0]))
      turned_[i.outputs[0]] = turned_[i.inputs[0]];
    const bool moves = i.is(split_op) || i.is(concat_op) || i.is(slice_op);
    const Shape first = i.inputs.empty() ? Shape{} : p_.shape(i.inputs[0]);
    const auto axis = moves ? static_cast<int>(i.attributes.integer("axis")) : 0;
    if (!moves || first.count() == 0 || (axis < 0 ? axis + first.rank() : axis) == 0 ||
        p_.shape(i.outputs[0]) == first)
      return p_.loop.push_back(std::move(i));
    cut_columns(i, axis < 0 ? axis : axis - first.rank());
  }

  void turn(Instruction i) {
    Turned now{i.inputs[0], i.attributes.list("permutation")};
    const auto rank = static_cast<int64_t>(now.order.size());
    for (int64_t& axis : now.order) axis += axis < 0 ? rank : 0;
    if (const auto& before = turned_[now.from]) {
      for (int64_t& axis : now.order) axis = before->order[static_cast<std::size_t>(axis)];
      now.from = before->from;
    }
    turned_[i.outputs[0]] = now;
    i.inputs = {now.from};
    if (std::is_sorted(now.order.begin(), now.order.end())) {
      i.op = &reshape_op;
      i.attributes = shape_attribute(p_.shape(i.outputs[0]));
    } else {
      for (int64_t& axis : now.order) axis -= rank;
      i.attributes = {{"permutation", now.order}};
    }
    p_.loop.push_back(std::move(i));
  }

  // Cuts along the last axis; one index of `axis` is `inner` columns of it.
  void cut_columns(const Instruction& i, int axis) {
    const Shape s = p_.shape(i.inputs[0]);
    const int64_t inner = Shape(s.end() + axis + 1, s.end()).count();
    ValueIds inputs;
    for (ValueId v : i.inputs) inputs.push_back(reshaped(p_, v, as_columns(p_.shape(v), axis)));
    if (i.is(concat_op)) {
      const ValueId whole = append(p_, p_.loop, concat_op, {{"axis", int64_t{-1}}}, inputs)[0];
      return give(whole, i.outputs[0]);
    }
    std::vector<int64_t> sizes;
    std::vector<std::optional<ValueId>> parts;
    const auto part = [&](int64_t extent, std::optional<ValueId> v) {
      if (extent == 0 && !v) return;
      sizes.push_back(extent * inner);
      parts.push_back(v);
    };
    if (i.is(slice_op)) {
      const int64_t begin = i.attributes.integer("begin"), end = i.attributes.integer("end");
      part(begin, {});
      part(end - begin, i.outputs[0]);
      part(s[axis] - end, {});
    } else {
      for (ValueId v : i.outputs) part(p_.shape(v)[axis], v);
    }
    const ValueIds cut = append(p_, p_.loop, split_op, {{"axis", int64_t{-1}}, {"sizes", sizes}},
                                inputs, sizes.size());
    const std::size_t made = p_.loop.size() - 1;
    for (std::size_t k = 0; k < cut.size(); ++k) {
      if (!parts[k]) continue;
      if (axis == -1)
        p_.loop[made].outputs[k] = *parts[k];
      else
        give(cut[k], *parts[k]);
    }
  }
  static Shape as_columns(const Shape& s, int axis) {
    Shape columns(s.begin(), s.end() + axis);
    columns.push_back(Shape(s.end() + axis, s.end()).count());
    return columns;
  }
  // Gives v the number and the shape of `as`.
  void give(ValueId v, ValueId as) {
    if (p_.shape(v) == p_.shape(as)) {
      p_.loop.back().outputs[0] = as;
      return;
    }
    append(p_, p_.loop, reshape_op, shape_attribute(p_.shape(as)), {v});
    p_.loop.back().outputs = {as};
  }

  Program p_;
  ValueTable<std::optional<Turned>> turned_;
};

}  // namespace

Program views(Program p) { return Views(std::move(p)).run(); }

}  // namespace tempo
