// SPDX-License-Identifier: Apache-2.0
// Programs: their inputs and results, and their form as text.
#include "program/program.hpp"

namespace tempo {

ValueId Program::add_value(Role role, TensorType type, std::string name) {
  values.push_back({role, std::move(type), std::move(name)});
  return {static_cast<int32_t>(values.size()) - 1};
}

ValueId Program::input(std::size_t i) const {
  if (i < fixed.size()) return fixed[i];
  i -= fixed.size();
  return i < sequences.size() ? sequences[i] : carried[i - sequences.size()];
}

std::vector<TensorType> result_types(const Program& p, int64_t time) {
  std::vector<TensorType> types;
  for (const ProgramResult& r : p.results) {
    TensorType type = p.type(r.value);
    if (r.kind == ProgramResult::sequence) {
      type.shape = type.shape.prepended(time);
      if (r.batch_first) std::swap(type.shape[0], type.shape[1]);
    }
    types.push_back(type);
  }
  return types;
}

std::string to_string(ValueId value) { return "%" + std::to_string(value.index); }

namespace {

const char* name_of(Role role) {
  return role == Role::fixed ? "fixed" : role == Role::sequence ? "sequence" : "carried";
}
const char* name_of(ProgramResult::Kind kind) {
  return kind == ProgramResult::sequence ? "sequence"
         : kind == ProgramResult::last   ? "last"
                                         : "sum";
}

std::string reference(const Program& p, ValueId value) {
  const std::string& name = p[value].name;
  return to_string(value) + (name.empty() ? "" : ":" + name);
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text + " ";
}

std::string line(const Program& p, const Instruction& i) {
  std::string text;
  for (ValueId v : i.outputs) text += (text.empty() ? "" : ", ") + reference(p, v);
  text += " = " + i.op->name + "(";
  for (std::size_t k = 0; k < i.inputs.size(); ++k)
    text += (k ? ", " : "") + reference(p, i.inputs[k]);
  if (!i.attributes.entries().empty())
    text += (i.inputs.empty() ? "" : "; ") + to_string(i.attributes);
  return padded(text + ")", 56) + to_string(p.type(i.outputs[0]));
}

const char* when(const Program& p, const Instruction& i, bool over_time) {
  if (i.summed) return "  summed over time";
  if (!over_time) return "";
  return p.is_fixed(i) ? "  once" : "  over time";
}

std::string section(const Program& p, const char* title,
                    const std::vector<Instruction>& instructions, bool over_time) {
  if (instructions.empty()) return "";
  std::string text = std::string(title) + "\n";
  for (const Instruction& i : instructions) {
    text += "  " + line(p, i) + when(p, i, over_time) + "\n";
  }
  return text;
}

}  // namespace

std::string to_string(const Program& p) {
  std::string text = p.reverse ? "inputs (time reversed)\n" : "inputs\n";
  for (std::size_t i = 0; i < p.n_inputs(); ++i) {
    const ValueId v = p.input(i);
    const ProgramValue& value = p[v];
    text +=
        "  " + padded(reference(p, v), 24) + padded(name_of(value.role), 8) + to_string(value.type);
    if (value.role == Role::carried) text += "  next " + reference(p, p.next[i - p.first_state()]);
    text += "\n";
  }
  text += section(p, "before", p.before, true);
  text += section(p, "loop", p.loop, false);
  text += section(p, "after", p.after, true);
  text += "results\n";
  for (const ProgramResult& r : p.results)
    text += "  " + padded(name_of(r.kind), 8) + reference(p, r.value) + "\n";
  return text;
}

std::string key_of(const Program& p) {
  std::string key = p.reverse ? "r" : "f";
  const auto number = [&key](int64_t n) { key += std::to_string(n) + ","; };
  for (std::size_t i = 0; i < p.n_inputs(); ++i) {
    const ProgramValue& v = p[p.input(i)];
    number(static_cast<int64_t>(v.role));
    key += to_string(v.type) + (v.name.empty() ? ";" : v.name + ";") + (v.batch_first ? "b" : "");
  }
  for (const Instruction& i : p.loop) {
    key += i.op->name + "(";
    for (ValueId v : i.inputs) number(v.index);
    key += exact_text(i.attributes);
    key += ")";
    for (ValueId v : i.outputs) number(v.index);
  }
  key += ">";
  for (ValueId v : p.next) number(v.index);
  for (const ProgramResult& r : p.results) {
    number(r.kind);
    number(r.value.index);
    number(r.batch_first);
  }
  return key;
}

}  // namespace tempo
