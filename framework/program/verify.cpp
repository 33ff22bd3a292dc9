// SPDX-License-Identifier: Apache-2.0
// Checks each invariant in one walk over a Program; the error names the instruction.
#include "program/verify.hpp"

#include "program/uses.hpp"

namespace tempo {

namespace {

// "%7 = add(%5, %6)", even if its values do not exist.
std::string text_of(const Instruction& i) {
  const auto list = [](const ValueIds& values) {
    std::string text;
    for (ValueId v : values) text += (text.empty() ? "" : ", ") + to_string(v);
    return text;
  };
  return list(i.outputs) + " = " + (i.op ? i.op->name : "nothing") + "(" + list(i.inputs) + ")";
}

[[noreturn]] void fail(const std::string& what) { throw Error("verify: " + what + "."); }
[[noreturn]] void fail(const Instruction& i, const std::string& what) {
  fail("`" + text_of(i) + "` " + what);
}

class Verification {
 public:
  explicit Verification(const Program& p) : p_(p) {}

  void run() {
    check_inputs();
    for (const Instruction& i : p_.before) check(i, Section::before);
    for (const Instruction& i : p_.loop) check(i, Section::loop);
    check_next();
    for (const Instruction& i : p_.after) check(i, Section::after);
    for (const ProgramResult& r : p_.results)
      if (!made_.contains(r.value))
        fail("the result " + to_string(r.value) + " is made by nothing");
  }

 private:
  bool in_range(ValueId v) const { return v.position() < p_.values.size(); }

  void check_inputs() {
    const auto check = [this](const ValueIds& inputs, Role role) {
      for (ValueId v : inputs) {
        if (!in_range(v)) fail("the input " + to_string(v) + " is out of range");
        if (p_[v].role != role) fail("the input " + to_string(v) + " is in the wrong list");
        if (!made_.insert(v)) fail("the input " + to_string(v) + " is there twice");
      }
    };
    check(p_.fixed, Role::fixed);
    check(p_.sequences, Role::sequence);
    check(p_.carried, Role::carried);
    in_loop_.insert(p_.carried);
  }

  void check(const Instruction& i, Section section) {
    if (!i.op || i.outputs.empty()) fail(i, "has no op or no result");
    check_operands(i, section);
    check_types(i);
    check_role(i);
    if (i.summed && section == Section::before) fail(i, "sums over time before the loop has run");
    if (section == Section::loop) in_loop_.insert(i.outputs);
  }

  // Sections run in the order before, loop, after, so the loop cannot read results of `after`.
  void check_operands(const Instruction& i, Section section) {
    for (ValueId v : i.inputs) {
      if (!in_range(v)) fail(i, "reads " + to_string(v) + ", which is out of range");
      if (section == Section::before && in_loop_.contains(v))
        fail(i, "is before the loop and reads the state");
      if (!made_.contains(v)) fail(i, "reads " + to_string(v) + ", which is made after it");
    }
    for (ValueId v : i.outputs) {
      if (!in_range(v)) fail(i, "makes " + to_string(v) + ", which is out of range");
      if (!made_.insert(v)) fail(i, "makes " + to_string(v) + ", which is made already");
    }
  }

  void check_types(const Instruction& i) const {
    std::vector<TensorType> inputs, outputs;
    for (ValueId v : i.inputs) inputs.push_back(p_.type(v));
    for (ValueId v : i.outputs) outputs.push_back(p_.type(v));
    try {
      if (i.op->type({inputs, i.attributes, outputs.size()}) == outputs) return;
    } catch (const Error& e) {
      fail(i, std::string("has operands that its op refuses: ") + e.what());
    }
    fail(i, "has a result whose type is not the one that its op gives");
  }

  // A sum over time is the same at every step, whatever its terms are.
  void check_role(const Instruction& i) const {
    for (ValueId v : i.outputs) {
      if (p_.is_state(v)) fail(i, "makes the state, which only `next` changes");
      if (p_.is_fixed(v) && !i.summed)
        for (ValueId input : i.inputs)
          if (!p_.is_fixed(input))
            fail(i, "makes " + to_string(v) + ", which is fixed, of " + to_string(input) +
                        ", which is not");
    }
  }

  void check_next() const {
    if (p_.next.size() != p_.carried.size()) fail("a carried value has no next one");
    for (std::size_t k = 0; k < p_.next.size(); ++k) {
      const ValueId v = p_.next[k];
      if (!in_range(v) || !made_.contains(v))
        fail("the next state " + to_string(v) + " is not made by the loop or before it");
      if (!(p_.type(v) == p_.type(p_.carried[k])))
        fail("the next state " + to_string(v) + " has another type than " +
             to_string(p_.carried[k]));
    }
  }

  const Program& p_;
  ValueSet made_, in_loop_;  // made so far; in_loop_: with the state
};

}  // namespace

void verify(const Program& program) { Verification(program).run(); }

void verify(const Program& p, const Program& given) {
  verify(p);
  if (p.fixed != given.fixed || p.sequences != given.sequences || p.carried != given.carried)
    fail("the pass changed the inputs or their order");
  if (p.reverse != given.reverse) fail("the pass turned the time round");
  if (p.values.size() < given.values.size()) fail("the pass dropped a value");
  for (std::size_t v = 0; v < given.values.size(); ++v)
    if (!(p.values[v].type == given.values[v].type) || p.values[v].name != given.values[v].name ||
        p.values[v].batch_first != given.values[v].batch_first)
      fail("the pass made another value of " + to_string(ValueId{static_cast<int32_t>(v)}));
  const auto same = [&](const ProgramResult& a, const ProgramResult& b) {
    return a.kind == b.kind && a.batch_first == b.batch_first && p.type(a.value) == p.type(b.value);
  };
  if (!std::equal(p.results.begin(), p.results.end(), given.results.begin(), given.results.end(),
                  same))
    fail("the pass changed the results or their order");
}

void verify_all_in_loop(const Program& p, const char* pass) {
  for (const Section section : {Section::before, Section::after})
    for (const Instruction& i : p.section(section))
      fail(i, std::string("is ") + (section == Section::before ? "before" : "after") +
                  " the loop, and " + pass + " needs all instructions in it");
}

void verify_rows(const Program& p, int64_t independent_rows) {
  if (independent_rows == 0) return;
  const Uses uses(p, Uses::Views::seen_through);
  const auto is_cut = [&](ValueId v) {
    const int64_t rows = rows_of(p.shape(v));
    return rows > 0 && rows % independent_rows == 0;
  };
  for (const Instruction& i : p.loop) {
    if (uses.is_view(i)) continue;
    const bool by_row = i.op->pointwise || i.op->kernel.tile || folds_rows(p, i) ||
                        folds_columns(p, i) || concatenates_columns(i) || splits_columns(i) ||
                        is_product(uses, i);
    if (!by_row) fail(i, "reads across rows, which the plan calls independent");
    for (ValueId v : i.outputs)
      if (!is_cut(v))
        fail(i,
             "makes " + to_string(v) + ", which has not the rows that the plan calls independent");
    for (ValueId v : i.inputs)
      if ((uses.maker(v) || p.is_state(v)) && !is_cut(v))
        fail(i, "reads all rows of " + to_string(v) + ", which the plan calls independent");
  }
}

}  // namespace tempo
