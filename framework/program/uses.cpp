#include "program/uses.hpp"

namespace tempo {

Uses::Uses(const Program& program)
    : p_(program), uses_(program), from_state_(computed_from(p_.loop, ValueSet(p_.carried))) {
  const auto note = [this](const std::vector<Instruction>& instructions, Section section) {
    for (const Instruction& i : instructions) {
      for (ValueId v : i.outputs) {
        uses_[v].section = section;
        uses_[v].maker = &i;
      }
      for (ValueId v : i.inputs)
        if (section == Section::loop)
          uses_[v].readers.push_back(&i);
        else
          uses_[v].outside = true;
    }
  };
  note(p_.before, Section::before);
  note(p_.loop, Section::loop);
  note(p_.after, Section::after);
  for (const ProgramResult& r : p_.results) uses_[r.value].outside = true;
  for (ValueId v : p_.next) uses_[v].next = true;
}

const Instruction* Uses::only_reader(ValueId v) const {
  const auto& all = readers(v);
  const bool one =
      !all.empty() && std::all_of(all.begin(), all.end(), [&](auto* r) { return r == all[0]; });
  return one && only_inside(v) ? all[0] : nullptr;
}

bool Uses::made_for_loop(ValueId v) const {
  return section(v) == Section::before && p_.is_sequence(v) && read_once(v) && only_inside(v);
}

ValueSet computed_from(const std::vector<Instruction>& instructions, ValueSet values,
                       const std::function<bool(const Instruction&)>& begins) {
  for (const Instruction& i : instructions)
    if (values.contains_any(i.inputs) || (begins && begins(i))) values.insert(i.outputs);
  return values;
}

ValueSet needed_for(const std::vector<Instruction>& instructions, ValueSet values,
                    const std::function<bool(const Instruction&)>& ends) {
  for (auto i = instructions.rbegin(); i != instructions.rend(); ++i)
    if (values.contains_any(i->outputs) || (ends && ends(*i))) values.insert(i->inputs);
  return values;
}

}  // namespace tempo
