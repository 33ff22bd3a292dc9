// SPDX-License-Identifier: Apache-2.0
// Finds splits and concatenations on the last axis that can be parts of one block.
#include <algorithm>

#include "program/plan/planner.hpp"

namespace tempo {

namespace {

class PartFinder {
 public:
  PartFinder(const Uses& uses, Places& places) : uses_(uses), places_(places) {}

  std::set<const Instruction*> find() {
    std::set<const Instruction*> found;
    for (const Instruction& i : uses_.program().loop)
      if ((splits_columns(i) && splits_in_place(i)) ||
          (concatenates_columns(i) && concatenates_in_place(i)))
        found.insert(&i);
    return found;
  }

 private:
  bool splits_in_place(const Instruction& i) const {
    return std::all_of(i.outputs.begin(), i.outputs.end(),
                       [&](ValueId v) { return uses_.only_inside(v) && read_as_part(uses_, v); });
  }
  bool concatenates_in_place(const Instruction& i) {
    std::set<ValueId> once;
    for (ValueId v : i.inputs) once.insert(uses_.root(v));
    const bool fit = once.size() == i.inputs.size() &&
                     std::all_of(i.inputs.begin(), i.inputs.end(), [&](ValueId v) {
                       const Instruction* made = uses_.maker(v);
                       return made && writes_apart(*made, v) && uses_.only_inside(v) &&
                              !places_.placed(v) && read_as_part(uses_, v, &i);
                     });
    if (!fit) return false;
    if (!places_.placed(i.outputs[0])) places_.place(i.outputs[0], Block::scratch);
    places_.cut(i.outputs[0], i.inputs);
    return true;
  }
  // Whether an instruction can write its result, in the shape of `as`, into separate rows.
  bool writes_apart(const Instruction& made, ValueId as) const {
    const Program& p = uses_.program();
    return (is_elementwise(uses_, made) || is_product(uses_, made)) &&
           cols_of(p.shape(made.outputs[0])) == cols_of(p.shape(as));
  }

  const Uses& uses_;
  Places& places_;
};

}  // namespace

bool read_as_part(const Uses& uses, ValueId v, const Instruction* but) {
  const Program& p = uses.program();
  const std::vector<const Instruction*>& readers = uses.readers(v);
  const auto as_it_lies = [&](ValueId read) {
    return uses.root(read) != uses.root(v) || cols_of(p.shape(read)) == cols_of(p.shape(v));
  };
  return std::all_of(readers.begin(), readers.end(), [&](const Instruction* r) {
    return r == but || (std::all_of(r->inputs.begin(), r->inputs.end(), as_it_lies) &&
                        (is_elementwise(uses, *r) || folds_rows(p, *r) || is_product(uses, *r)));
  });
}

std::set<const Instruction*> find_parts(const Uses& uses, Places& places) {
  return PartFinder(uses, places).find();
}

}  // namespace tempo
