#include "program/instruction.hpp"
#include "program/passes/passes.hpp"

#include <algorithm>
#include <set>

namespace tempo {

namespace {

class Parts {
 public:
  explicit Parts(Program p) : p_(std::move(p)) {
    for (const auto* section : {&p_.before, &p_.after})
      for (const Instruction& i : *section) taken_.insert(i.inputs.begin(), i.inputs.end());
    for (const ProgramResult& r : p_.results) taken_.insert(r.value);
    taken_.insert(p_.next.begin(), p_.next.end());
    for (const Instruction& i : p_.loop)
      if (i.op->pointwise && !i.summed)
        made_.insert(i.outputs[0]);
      else if (!concatenates_columns(i) && i.op != find_op("matmul"))
        taken_.insert(i.inputs.begin(), i.inputs.end());
  }

  Program run() {
    std::vector<Instruction> loop;
    for (Instruction& i : p_.loop) {
      if (concatenates_columns(i))
        for (int& v : i.inputs)
          if (!made_.count(v) || !taken_.insert(v).second) loop.push_back(copied(v));
      loop.push_back(std::move(i));
      if (splits_columns(loop.back()))
        for (int v : std::vector<int>(loop.back().outputs))
          if (leaves(v)) loop.push_back(copied_outside(v));
    }
    p_.loop = std::move(loop);
    return std::move(p_);
  }

 private:
  // Whether something outside of the step reads it.
  bool leaves(int v) {
    bool found = false;
    for_each_outside([&](int& other) { found |= other == v; });
    return found;
  }
  Instruction copied_outside(int v) {
    int copy = v;
    Instruction i = copied(copy);
    for_each_outside([&](int& other) { other = other == v ? copy : other; });
    return i;
  }
  template <class F>
  void for_each_outside(F f) {
    for (ProgramResult& r : p_.results) f(r.value);
    for (int& v : p_.next) f(v);
    for (Instruction& i : p_.after)
      for (int& v : i.inputs) f(v);
  }
  Instruction copied(int& v) {
    static const OpDefinition* cast = find_op("cast");
    const ProgramValue& from = p_.values[static_cast<std::size_t>(v)];
    const int copy = static_cast<int>(p_.values.size());
    Instruction i{cast, {{"dtype", static_cast<int64_t>(from.type.dtype)}}, {v}, {copy}};
    p_.values.push_back({Standing::sequence, from.type, ""});
    v = copy;
    return i;
  }

  Program p_;
  std::set<int> taken_;  // it has a place of its own, or is a part already
  std::set<int> made_;   // by an elementwise op of the loop
};

}  // namespace

// An elementwise op can write its result where the concatenation has it, and read a part of a split
// where the whole is; what is a part of two, or of something else, is copied, row by row like any
// elementwise op.
Program own_parts(Program p) { return Parts(std::move(p)).run(); }

}  // namespace tempo
