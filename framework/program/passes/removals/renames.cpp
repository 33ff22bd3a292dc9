// SPDX-License-Identifier: Apache-2.0
// Instructions that read a value under another name read the value itself, or one reshape of it if
// they need another shape.
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/value_set.hpp"

namespace tempo {

namespace {

// Whether the result has the elements of the first input in the same order, and the same holds for
// their gradients.
bool keeps_elements(const Program& p, const Instruction& i) {
  if (i.inputs.empty() || i.outputs.size() != 1) return false;
  const TensorType &from = p.type(i.inputs[0]), &to = p.type(i.outputs[0]);
  if (from.shape.count() != to.shape.count() || from.dtype != to.dtype) return false;
  if (i.is(reshape_op) || i.is(slice_op)) return true;
  if (i.is(concat_op)) return i.inputs.size() == 1;
  if (!i.is(transpose_op)) return false;
  std::vector<int64_t> moved;  // the axes with more than one element, in their new order
  for (int64_t axis : i.attributes.list("permutation"))
    if (from.shape[static_cast<int>(axis)] != 1) moved.push_back(axis);
  return std::is_sorted(moved.begin(), moved.end());
}

Program renamed(Program p, bool (*is_name)(const Program&, const Instruction&)) {
  ValueTable<ValueIds> names(p);                   // all names of a root
  ValueTable<std::optional<ValueId>> first_of(p);  // the root of a name
  const auto first = [&](ValueId v) { return first_of[v].value_or(v); };
  const auto plain = [&](ValueId& v) {
    const ValueId root = first(v);
    if (p.type(root) == p.type(v)) {
      v = root;
      return;
    }
    for (ValueId name : names[root])
      if (p.type(name) == p.type(v)) {
        v = name;
        return;
      }
  };
  for (Instruction& i : p.loop) {
    for (ValueId& v : i.inputs) plain(v);
    if (!is_name(p, i)) continue;
    const ValueId root = first(i.inputs[0]), name = i.outputs[0];
    first_of[name] = root;
    names[root].push_back(name);
    i.op = &reshape_op;
    i.attributes = shape_attribute(p.shape(name));
    i.inputs = {root};
  }
  for (ValueId& v : p.next) plain(v);
  for (ProgramResult& r : p.results) plain(r.value);
  return p;
}

}  // namespace

Program without_renames(Program p) {
  return renamed(std::move(p), [](const Program& q, const Instruction& i) {
    return keeps_elements(q, i) || (!i.op->kernel && i.outputs.size() == 1);
  });
}

Program without_reshapes(Program p) { return renamed(std::move(p), keeps_elements); }

}  // namespace tempo
