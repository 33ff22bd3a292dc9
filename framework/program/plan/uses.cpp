#include "program/plan/planner.hpp"

#include <algorithm>

namespace tempo {

Uses::Uses(const Program& program) : p_(program), uses_(program.values.size()) {
  for (const Instruction& i : p_.loop) {
    for (int v : i.outputs) of(v).maker = &i;
    for (int v : i.inputs) of(v).readers.push_back(&i);
  }
  for (const auto* section : {&p_.before, &p_.after})
    for (const Instruction& i : *section)
      for (int v : i.inputs) of(v).outside = true;
  for (const Instruction& i : p_.before)
    for (int v : i.outputs) of(v).made_before = true;
  for (const Instruction& i : p_.after)
    for (int v : i.outputs) of(v).made_after = true;
  for (const ProgramResult& r : p_.results) of(r.value).outside = true;
  for (int v : p_.next) of(v).carried = true;
}

bool Uses::made_for_loop(int v) const {
  return of(v).made_before && value(v).standing == Standing::sequence && read_once(v) &&
         only_inside(v);
}

}  // namespace tempo
