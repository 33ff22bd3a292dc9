// SPDX-License-Identifier: Apache-2.0
// Readers of a value with its own gradient read the value itself. Instructions that served the rule
// alone are then dead.
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/value_set.hpp"

namespace tempo {

namespace {

// Whether the result equals the first input byte by byte, and has its type.
bool is_first_input(const Program& p, const Instruction& i) {
  return !i.op->kernel && p.type(i.outputs[0]) == p.type(i.inputs[0]);
}

}  // namespace

Program without_rules(Program p) {
  ValueTable<std::optional<ValueId>> value_of(p);
  const auto plain = [&](ValueId& v) { v = value_of[v].value_or(v); };
  bool any = false;
  for (Instruction& i : p.loop) {
    for (ValueId& v : i.inputs) plain(v);
    if (!is_first_input(p, i)) continue;
    value_of[i.outputs[0]] = i.inputs[0];
    any = true;
  }
  if (!any) return p;
  for (ValueId& v : p.next) plain(v);
  for (ProgramResult& r : p.results) plain(r.value);
  settle_roles(p);  // a value may be fixed although its stand-in was not
  return without_dead(std::move(p));
}

}  // namespace tempo
