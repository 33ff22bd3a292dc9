// SPDX-License-Identifier: Apache-2.0
// A value under a gradient of its own is that value: whoever reads it reads the value itself. What
// was computed for the rule alone is then dead.
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/value_set.hpp"

namespace tempo {

namespace {

// Whether the result is the first input, byte for byte and of its type.
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
  settle_roles(p);  // the value may be fixed where what stood for it was not
  return without_dead(std::move(p));
}

}  // namespace tempo
