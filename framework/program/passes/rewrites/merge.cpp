// SPDX-License-Identifier: Apache-2.0
// x A, x B and x C become x [A, B, C] and its parts: one large product for several small ones.
#include <map>
#include <set>
#include <tuple>

#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/passes/passes.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

class Merge {
 public:
  explicit Merge(Program p) : p_(std::move(p)) {
    std::stable_partition(p_.loop.begin(), p_.loop.end(),
                          [this](const Instruction& i) { return p_.is_fixed(i); });
  }

  Program run() {
    feeds_ = needed_for(p_.loop, ValueSet(p_.next));
    merge_products();
    while (lift()) {
    }
    return without_dead(std::move(p_));
  }

 private:
  // --- products

  // The left side, whether the right one is transposed, and whether the next state depends on the
  // product: products that may run after the loop stay separate.
  using Kind = std::tuple<ValueId, bool, bool>;

  bool may_merge(const Instruction& i) const {
    return i.is(matmul_op) && !i.is_set("transpose_a") && !p_.is_fixed(i.inputs[0]) &&
           p_.is_fixed(i.inputs[1]) && p_.shape(i.inputs[1]).rank() == 2;
  }
  Kind kind_of(const Instruction& i) const {
    return {i.inputs[0], i.is_set("transpose_b"), feeds_.contains(i.outputs[0])};
  }

  void merge_products() {
    std::map<Kind, std::vector<Instruction>> alike;
    for (const Instruction& i : p_.loop)
      if (may_merge(i)) alike[kind_of(i)].push_back(i);
    std::vector<Instruction> loop;
    for (Instruction& i : p_.loop) {
      const auto at = may_merge(i) ? alike.find(kind_of(i)) : alike.end();
      if (at == alike.end() || at->second.size() == 1)
        loop.push_back(std::move(i));
      else if (at->second[0].outputs == i.outputs)
        merge(loop, at->second);
    }
    p_.loop = std::move(loop);
  }

  void merge(std::vector<Instruction>& loop, const std::vector<Instruction>& products) {
    ValueIds rights, outputs;
    for (const Instruction& i : products) {
      rights.push_back(i.inputs[1]);
      outputs.push_back(i.outputs[0]);
    }
    const int64_t axis = products[0].is_set("transpose_b") ? -2 : -1;
    const ValueId right = append(p_, loop, concat_op, {{"axis", axis}}, rights)[0];
    const ValueId all =
        append(p_, loop, matmul_op, products[0].attributes, {products[0].inputs[0], right})[0];
    split(loop, all, outputs);
  }
  void split(std::vector<Instruction>& loop, ValueId all, const ValueIds& parts) {
    std::vector<int64_t> sizes;
    for (ValueId v : parts) sizes.push_back(p_.shape(v).back());
    append(p_, loop, split_op, {{"axis", int64_t{-1}}, {"sizes", sizes}}, {all}, parts.size());
    loop.back().outputs = parts;
  }

  // --- an op that is applied to all parts alike is applied to the whole

  static bool is_split(const Instruction& i) {
    return i.is(split_op) && i.attributes.integer("axis") == -1;
  }

  bool lift() {
    const Uses uses(p_);
    return std::any_of(p_.loop.begin(), p_.loop.end(),
                       [&](const Instruction& i) { return is_split(i) && lift(uses, i); });
  }
  bool lift(const Uses& uses, const Instruction& parts) {
    std::vector<const Instruction*> readers;
    ValueIds others, outputs;
    std::size_t side = 0;
    for (ValueId v : parts.outputs) {
      const Instruction* i = uses.only_reader(v);
      if (!i || !i->op->pointwise || !i->op->linear || i->inputs.size() != 2) return false;
      if (readers.empty()) side = i->inputs[0] == v ? 0 : 1;
      if (i->inputs[side] != v || (!readers.empty() && i->op != readers[0]->op)) return false;
      readers.push_back(i);
      others.push_back(i->inputs[1 - side]);
      outputs.push_back(i->outputs[0]);
    }
    // The whole is made at the first reader's place; the others must be made before.
    const Instruction* first = *std::min_element(readers.begin(), readers.end());
    for (ValueId v : others)
      if (const Instruction* made = uses.maker(v); made && made >= first) return false;
    std::vector<Instruction> made;
    const std::optional<ValueId> other = whole(uses, others, parts, made);
    if (!other) return false;
    ValueIds inputs{parts.inputs[0], *other};
    if (side == 1) std::swap(inputs[0], inputs[1]);
    split(made, append(p_, made, *readers[0]->op, {}, inputs)[0], outputs);
    replace({readers.begin(), readers.end()}, made);
    return true;
  }

  // A value whose parts on the last axis are `others`: that of another split, or fixed rows joined.
  std::optional<ValueId> whole(const Uses& uses, const ValueIds& others, const Instruction& parts,
                               std::vector<Instruction>& made) {
    const ValueId own = parts.inputs[0];
    if (const Instruction* i = uses.maker(others[0]);
        i && is_split(*i) && i->outputs == others && i->inputs[0] != own)
      return same_types(others, parts.outputs) ? std::optional(i->inputs[0]) : std::nullopt;
    for (std::size_t k = 0; k < others.size(); ++k)
      if (!p_.is_fixed(others[k]) || p_.shape(others[k]).rank() != 1 ||
          p_.shape(others[k])[0] != p_.shape(parts.outputs[k]).back())
        return std::nullopt;
    return append(p_, made, concat_op, {{"axis", int64_t{-1}}}, others)[0];
  }

  bool same_types(const ValueIds& a, const ValueIds& b) const {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [this](ValueId x, ValueId y) { return p_.type(x) == p_.type(y); });
  }

  // Replaces `gone`, which is sorted in the order of the loop, by `by` at the place of the first.
  void replace(const std::set<const Instruction*>& gone, const std::vector<Instruction>& by) {
    std::vector<Instruction> loop;
    for (Instruction& i : p_.loop) {
      if (&i == *gone.begin()) loop.insert(loop.end(), by.begin(), by.end());
      if (!gone.count(&i)) loop.push_back(std::move(i));
    }
    p_.loop = std::move(loop);
  }

  Program p_;
  ValueSet feeds_;
};

}  // namespace

Program merge(Program p) { return Merge(std::move(p)).run(); }

}  // namespace tempo
