// SPDX-License-Identifier: Apache-2.0
// Looks in optimised Programs for instructions that hoist, merge and the tiles could not improve.
#include "plugin/debug/notes.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include "graph/trace.hpp"
#include "ops/known.hpp"
#include "scan/explain.hpp"
#include "scan/parts/parts.hpp"

namespace tempo::debug {

namespace {

class Notes {
 public:
  explicit Notes(const Executable& executable)
      : executable_(executable), p_(executable.program()), uses_(p_), text_(to_string(p_)) {}

  std::string all() {
    for (const Instruction& i : p_.loop)
      if (is_product(uses_, i) && uses_.reads_state(i.inputs[0])) {
        look_at_left_side(i);
        look_at_others_of(i);
      }
    for (const Stage& stage : executable_.plan().stages)
      if (const auto* call = std::get_if<CallStage>(&stage))
        look_at_call(p_.loop[call->instruction]);
    return found_;
  }

 private:
  // The instruction as explain prints it.
  std::string line_of(const Instruction& i) const {
    const std::string begin = "\n  " + to_string(i.outputs[0]);
    std::size_t at = text_.find(begin, text_.find("\nloop\n"));
    while (at != text_.npos && std::isdigit(static_cast<unsigned char>(text_[at + begin.size()])))
      at = text_.find(begin, at + 1);
    if (at == text_.npos) return i.op->name;
    const std::string line = text_.substr(at + 3, text_.find('\n', at + 1) - at - 3);
    return line.substr(0, line.find("  "));
  }
  void add(const char* pass, const Instruction& i, const std::string& why) {
    found_ += std::string(found_.empty() ? "" : "\n") + pass + ": " + line_of(i) + " " + why;
  }

  static bool is_sum(const Instruction& i) {
    return i.op->pointwise && i.op->linear && i.inputs.size() == 2;
  }
  // (x + h) W equals x W + h W, and x W could leave the loop.
  void look_at_left_side(const Instruction& product) {
    std::vector<ValueId> sums{product.inputs[0]};
    while (!sums.empty()) {
      const Instruction* const made = uses_.maker(sums.back());
      sums.pop_back();
      if (!made || !is_sum(*made)) continue;
      for (const ValueId v : made->inputs) {
        if (uses_.reads_state(v))
          sums.push_back(v);
        else if (!p_.is_fixed(v))
          return add(
              "hoist", product,
              "runs at every step for " + to_string(v) +
                  ", too, which does not read the state: matmul(x, W) + matmul(h, W) in "
                  "place of matmul(x + h, W) lets the product of x run once, over all steps.");
      }
    }
  }

  // Products with the same left side that merge could not combine.
  void look_at_others_of(const Instruction& product) {
    for (const Instruction& other : p_.loop) {
      if (&other >= &product) return;
      if (!is_product(uses_, other)) continue;
      const ValueId left = product.inputs[0], others = other.inputs[0];
      if (left == others)
        return add("merge", product,
                   "is computed apart from " + to_string(other.outputs[0]) +
                       ", which has the same left side: give both right sides one form, as one "
                       "weight that is split, and they are one product.");
      if (are_same(left, others, 8))
        return add("merge", product,
                   "is computed apart from " + to_string(other.outputs[0]) +
                       ", as its left side is the same and is computed twice: compute it once, and "
                       "they are one product.");
    }
  }
  // Whether both values are made by the same ops from the same values.
  bool are_same(ValueId a, ValueId b, int depth) const {
    if (a == b) return true;
    const Instruction *i = uses_.maker(a), *k = uses_.maker(b);
    if (!i || !k || depth == 0 || i->op != k->op || i->inputs.size() != k->inputs.size() ||
        exact_text(i->attributes) != exact_text(k->attributes))
      return false;
    for (std::size_t n = 0; n < i->inputs.size(); ++n)
      if (!are_same(i->inputs[n], k->inputs[n], depth - 1)) return false;
    return std::find(i->outputs.begin(), i->outputs.end(), a) - i->outputs.begin() ==
           std::find(k->outputs.begin(), k->outputs.end(), b) - k->outputs.begin();
  }

  void look_at_call(const Instruction& i) {
    if (i.is(matmul_op)) return;
    add("fuse", i,
        "is a call of its own at every step: it cannot run in the tiles of the elementwise ops "
        "before and after it.");
  }

  const Executable& executable_;
  const Program& p_;
  const Uses uses_;
  const std::string text_;
  std::string found_;
};

}  // namespace

namespace {
// A step that runs in parts is logged before its parts.
bool runs_forward(const LoggedProgram& logged) {
  const bool is_part =
      logged.what == part_ahead || logged.what == part_of_matrices || logged.what == part_behind;
  return is_part || (logged.what == "forward" && !logged.recurrence->runs_in_parts());
}
}  // namespace

std::string notes_of(const Layer& layer, const Tensors& inputs) {
  const ProgramLog log;
  layer.call(inputs);
  std::string all;
  for (const LoggedProgram& logged : log.programs()) {
    if (!logged.recurrence || !runs_forward(logged)) continue;
    const std::string notes = Notes(logged.recurrence->optimised()).all();
    if (!notes.empty()) all += (all.empty() ? "" : "\n") + notes;
  }
  return all;
}

}  // namespace tempo::debug
