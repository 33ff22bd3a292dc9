// SPDX-License-Identifier: Apache-2.0
// What passes make: one instruction that is new in a Program, or stands elsewhere, is changed.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "mutation/mutants.hpp"
#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/pipelines.hpp"
#include "program/verify.hpp"

namespace tempo::mutation {

namespace {

std::vector<Instruction>& section_of(Program& p, Section s) {
  return s == Section::before ? p.before : s == Section::loop ? p.loop : p.after;
}

bool same(const Instruction& a, const Instruction& b) {
  return a.op == b.op && a.inputs == b.inputs && a.outputs == b.outputs && a.summed == b.summed &&
         exact_text(a.attributes) == exact_text(b.attributes);
}

bool stands_in(const std::vector<Instruction>& all, const Instruction& i) {
  return std::any_of(all.begin(), all.end(), [&](const Instruction& a) { return same(a, i); });
}

bool floating(const Program& p, ValueId v) { return is_floating(p.type(v).dtype); }

const Instruction* maker(const Program& p, ValueId v) {
  for (const Section s : all_sections)
    for (const Instruction& i : p.section(s))
      if (std::find(i.outputs.begin(), i.outputs.end(), v) != i.outputs.end()) return &i;
  return nullptr;
}

bool is_zero(const Program& p, ValueId v) {
  const Instruction* const i = maker(p, v);
  return i && makes_zeros(*i->op, i->attributes);
}

std::vector<std::string> changes_of(const Program& p, const Instruction& i) {
  std::vector<std::string> out{"removed"};
  const bool beside_zero =
      std::any_of(i.inputs.begin(), i.inputs.end(), [&](ValueId v) { return is_zero(p, v); });
  for (std::size_t k = 0; k < i.inputs.size(); ++k) {
    std::vector<std::string> changes{"from elsewhere"};
    if (floating(p, i.inputs[k]) && !is_zero(p, i.inputs[k]))
      changes = {"negated", "doubled", "dropped", "from elsewhere"};
    for (const std::string& change : changes)
      if (is_seen(*i.op, k, change, beside_zero))
        out.push_back("operand " + std::to_string(k) + " " + change);
  }
  if (i.summed) out.push_back("not summed");
  for (std::string& more : shared_changes({i.op, i.inputs.size(), i.outputs.size(), i.attributes}))
    out.push_back(std::move(more));
  return out;
}

// x + x, x - x or -x in place of x.
ValueId computed(Program& p, std::vector<Instruction>& section, std::size_t& at, ValueId x,
                 const std::string& what) {
  std::vector<Instruction> made;
  const ValueId y = what == " negated"   ? append(p, made, negative_op, {}, {x})[0]
                    : what == " doubled" ? append(p, made, add_op, {}, {x, x})[0]
                                         : append(p, made, *find_op("subtract"), {}, {x, x})[0];
  section.insert(section.begin() + static_cast<std::ptrdiff_t>(at), made[0]);
  ++at;
  return y;
}

// Whether they are the same value, made twice.
bool alike(const Program& p, ValueId a, ValueId b) {
  const Instruction *of_a = maker(p, a), *of_b = maker(p, b);
  if (a == b || !of_a || !of_b) return a == b;
  if (of_a->op != of_b->op || of_a->inputs.size() != of_b->inputs.size() ||
      exact_text(of_a->attributes) != exact_text(of_b->attributes) || of_a->outputs.size() > 1)
    return false;
  for (std::size_t k = 0; k < of_a->inputs.size(); ++k)
    if (!alike(p, of_a->inputs[k], of_b->inputs[k])) return false;
  return true;
}

// One of the same type and role that is there before.
std::optional<ValueId> elsewhere(const Program& p, const std::vector<Instruction>& section,
                                 std::size_t at, ValueId value) {
  std::optional<ValueId> found;
  const auto consider = [&](ValueId v) {
    if (p[v].role == p[value].role && p.type(v) == p.type(value) && !alike(p, v, value)) found = v;
  };
  for (std::size_t i = 0; i < p.n_inputs(); ++i) consider(p.input(i));
  for (std::size_t i = 0; i < at; ++i)
    for (const ValueId v : section[i].outputs) consider(v);
  return found;
}

// Whether there was something to change.
bool change(Program& p, Section s, std::size_t at, const std::string& name) {
  std::vector<Instruction>& section = section_of(p, s);
  const auto here = [&]() -> Instruction& { return section[at]; };
  if (name == "removed") {
    section.erase(section.begin() + static_cast<std::ptrdiff_t>(at));
  } else if (name == "operands swapped") {
    std::swap(here().inputs[0], here().inputs[1]);
  } else if (name == "results swapped") {
    std::swap(here().outputs[0], here().outputs[1]);
  } else if (name == "not summed") {
    here().summed = false;
  } else if (name.starts_with("operand ")) {
    const std::size_t k = static_cast<std::size_t>(std::stoi(name.substr(8)));
    const std::string what = name.substr(name.find(' ', 8));
    const ValueId x = here().inputs[k];
    std::optional<ValueId> other = what == " from elsewhere" ? elsewhere(p, section, at, x)
                                                             : computed(p, section, at, x, what);
    if (!other) return false;
    here().inputs[k] = *other;
  } else {
    here().attributes = changed_attributes(here().attributes, name);
  }
  return true;
}

// Values that a result hangs on; a state that nothing but itself reads is none.
std::set<ValueId> needed(const Program& p) {
  std::set<ValueId> all;
  for (const ProgramResult& r : p.results) all.insert(r.value);
  for (std::size_t before = 0; before != all.size();) {
    before = all.size();
    for (const Section s : {Section::after, Section::loop, Section::before}) {
      const std::vector<Instruction>& section = p.section(s);
      for (auto i = section.rbegin(); i != section.rend(); ++i)
        if (std::any_of(i->outputs.begin(), i->outputs.end(),
                        [&](ValueId v) { return all.contains(v); }))
          all.insert(i->inputs.begin(), i->inputs.end());
    }
    for (std::size_t k = 0; k < p.carried.size(); ++k)
      if (all.contains(p.carried[k])) all.insert(p.next[k]);
  }
  return all;
}

// What a pass made: instructions that are new in their section; if others are gone or the order is
// another one, all.
std::vector<InstructionId> made_by_a_pass(const Program& given, const Program& made) {
  const std::set<ValueId> read = needed(made);
  std::vector<InstructionId> news, all;
  for (const Section s : all_sections)
    for (std::size_t n = 0; n < made.section(s).size(); ++n) {
      const Instruction& i = made.section(s)[n];
      if (std::none_of(i.outputs.begin(), i.outputs.end(),
                       [&](ValueId v) { return read.contains(v); }))
        continue;
      all.push_back({s, n});
      if (!stands_in(given.section(s), i)) news.push_back({s, n});
    }
  return news.empty() ? all : news;
}

// The armed change to what a pass made of another Program.
void change_made(const std::string& site, const Program& given, Program& made) {
  constexpr int most = 2;  // of one op in one Program
  std::map<std::string, int> ordinals;
  for (const InstructionId id : made_by_a_pass(given, made)) {
    const Instruction& i = made[id];
    const int ordinal = ordinals[i.op->name]++;
    if (ordinal >= most) continue;
    if (mode().found) mode().note(site, i.op->name, ordinal, changes_of(made, i));
    if (!mode().is_armed(site, i.op->name, ordinal)) continue;
    if (change(made, id.section, id.index, mode().armed->change)) *mode().applied = true;
    return;
  }
}

template <class Pass>
Program watched(const char* name, const Program& given, const Pass& pass) {
  Program made = pass(given);
  const std::string site = std::string("pass ") + name;
  if (mode().looks_at(site) && key_of(made) != key_of(given)) change_made(site, given, made);
  if (mode().verifies) verify(made, given);
  return made;
}

}  // namespace
}  // namespace tempo::mutation

// --- what the linker puts in place of each pass, which stays under __real_

namespace tempo {

#define TEMPO_PASSES(PASS)                     \
  PASS(split, "5split")                        \
  PASS(merge, "5merge")                        \
  PASS(blocks, "6blocks")                      \
  PASS(views, "5views")                        \
  PASS(without_reshapes, "16without_reshapes") \
  PASS(rows_last, "9rows_last")                \
  PASS(narrow, "6narrow")                      \
  PASS(vectors, "7vectors")                    \
  PASS(negate, "6negate")                      \
  PASS(own_parts, "9own_parts")                \
  PASS(without_dead, "12without_dead")         \
  PASS(without_rules, "13without_rules")       \
  PASS(without_renames, "15without_renames")   \
  PASS(hoist, "5hoist")                        \
  PASS(sink, "4sink")                          \
  PASS(join, "4join")                          \
  PASS(schedule, "8schedule")                  \
  PASS(fixed_first, "11fixed_first")           \
  PASS(checks_first, "12checks_first")         \
  PASS(quantise, "8quantise")

#define TEMPO_WATCHED_PASS(function, symbol)                                                  \
  Program real_##function(Program program) asm("__real__ZN5tempo" symbol "ENS_7ProgramE");    \
  Program watched_##function(Program program) asm("__wrap__ZN5tempo" symbol "ENS_7ProgramE"); \
  Program watched_##function(Program program) {                                               \
    return mutation::watched(#function, program,                                              \
                             [](const Program& given) { return real_##function(given); });    \
  }
TEMPO_PASSES(TEMPO_WATCHED_PASS)
#undef TEMPO_WATCHED_PASS

Program real_without_condition(Program program, ValueId holds) asm(
    "__real__ZN5tempo17without_conditionENS_7ProgramENS_7ValueIdE");
Program watched_without_condition(Program program, ValueId holds) asm(
    "__wrap__ZN5tempo17without_conditionENS_7ProgramENS_7ValueIdE");
Program watched_without_condition(Program program, ValueId holds) {
  return mutation::watched("without_condition", program, [holds](const Program& given) {
    return real_without_condition(given, holds);
  });
}

#define TEMPO_NAME(function, symbol) #function,

std::vector<std::string> mutation::unwatched_passes() {
  static const std::set<std::string> watched{TEMPO_PASSES(TEMPO_NAME)};
  std::vector<std::string> out;
  for (const Pipeline* pipeline :
       {&before_gradient, &for_int8, &for_scan, &for_stream, &for_formula})
    for (const Pass& pass : pipeline->passes) {
      std::string name = pass.name;
      std::replace(name.begin(), name.end(), ' ', '_');
      if (!watched.contains(name)) out.push_back(pass.name);
    }
  return out;
}

#undef TEMPO_NAME
#undef TEMPO_PASSES

}  // namespace tempo
