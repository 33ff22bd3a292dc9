// SPDX-License-Identifier: Apache-2.0
// Additions that products do: a b + c d is made in registers, a + b c in the place of a, and a row
// is added in passing.
#include <algorithm>

#include "ops/known.hpp"
#include "program/plan/planner.hpp"

namespace tempo {

Additions::Additions(const Uses& uses, Places& places) : uses_(uses), places_(places) {
  find_sums();
  find_rows();
}

const Additions::Done* Additions::done(const Instruction& addition) const {
  const auto at = done_.find(&addition);
  return at == done_.end() ? nullptr : &at->second;
}

const Additions::Added& Additions::to(const Instruction& product) const {
  static const Added& nothing = *new Added;
  const auto at = added_.find(&product);
  return at == added_.end() ? nothing : at->second;
}

// Runs from the last to the first: the other operand of a sum may be a sum itself.
void Additions::find_sums() {
  const std::vector<Instruction>& loop = uses_.program().loop;
  for (std::size_t k = loop.size(); k-- > 0;)
    if (loop[k].is(add_op))
      for (std::size_t side : {1u, 0u})
        if (add_to(loop[k], loop[k].inputs[side], loop[k].inputs[1 - side])) break;
}

bool Additions::add_to(const Instruction& addition, ValueId product, ValueId other) {
  const ValueId total = addition.outputs[0];
  if (!takes(addition, product) || !(uses_.type(product) == uses_.type(total)) ||
      !(uses_.type(other) == uses_.type(total)))
    return false;
  const Instruction& made = *uses_.maker(product);
  if (join(addition, made, other)) {
    done_[&addition] = {total, product};
  } else if (add_in_place(total, made, other)) {
    done_[&addition] = {other, product};
  } else {
    return false;
  }
  return true;
}

// Whether the value is a product that only this addition reads.
bool Additions::takes(const Instruction& addition, ValueId product) const {
  const Instruction* made = uses_.maker(product);
  return made && is_product(uses_, *made) && uses_.read_once(product) &&
         uses_.only_inside(product) && !places_.placed(product) && !added_.count(made) &&
         uses_.root(addition.inputs[0]) != uses_.root(addition.inputs[1]);
}

// Whether the rows of both products, with all blocks side by side, are equally long.
bool Additions::same_rows(const Instruction& a, const Instruction& b) const {
  const ProductSize of_a = size_of_product(uses_.program(), a),
                    of_b = size_of_product(uses_.program(), b);
  return of_a.rows == of_b.rows && of_a.blocks * of_a.n == of_b.blocks * of_b.n &&
         (of_a.blocks == of_b.blocks || of_a.blocks == 1 || of_b.blocks == 1);
}

bool Additions::join(const Instruction& addition, const Instruction& product, ValueId other) {
  const Instruction* first = uses_.maker(other);
  const ValueId total = addition.outputs[0];
  if (!first || first > &product || !takes(addition, other) || !same_rows(*first, product) ||
      first->is_set(runs_in_int8) != product.is_set(runs_in_int8))
    return false;
  if (may_lie_apart(*first, total) && !writes_rows(product, total) && !writes_rows(*first, total))
    return false;
  if (!places_.placed(total)) places_.place(total, Block::scratch);
  added_[&product] = {total, false, first, {}};
  joined_.insert(first);
  return true;
}

// Adds the product to `other`, if nothing else reads that value and it is made earlier.
bool Additions::add_in_place(ValueId total, const Instruction& product, ValueId other) {
  if (uses_.made_for_loop(other)) {
    if (places_.placed(total) || uses_.is_next(total)) return false;
  } else {
    const Instruction* before = uses_.maker(other);
    if (!before || before > &product || !uses_.read_once(other) || !uses_.only_inside(other) ||
        places_.placed(other) || !can_lie_at(*before, total) ||
        (may_lie_apart(*before, total) && !writes_rows(product, total)))
      return false;
    if (!places_.placed(total)) places_.place(total, Block::scratch);
    places_.place_at(other, total);
    if (splits_columns(*before)) in_parts_.insert(uses_.root(total));
  }
  added_[&product] = {other, true, nullptr, {}};
  return true;
}

// Whether the result of an instruction may have the place of a total. A part of a split lies in the
// whole, which must then have no other use; a call writes its rows one after the other.
bool Additions::can_lie_at(const Instruction& made, ValueId total) const {
  if (splits_columns(made)) {
    const ValueId whole = made.inputs[0];
    return can_lie_in_part(total) && !places_.placed(whole) && uses_.read_once(whole) &&
           uses_.only_inside(whole);
  }
  if (!places_.placed(total)) return true;
  const Region r = places_.region(total);
  return lies_together(r) || (cols_of(uses_.type(made.outputs[0]).shape) == r.cols &&
                              (is_elementwise(uses_, made) || folds_rows(uses_.program(), made) ||
                               is_product(uses_, made)));
}

// Whether the rows of the total may not be adjacent if it gets the place of the first operand.
bool Additions::may_lie_apart(const Instruction& before, ValueId total) const {
  return splits_columns(before) || (places_.placed(total) && !lies_together(places_.region(total)));
}

// Whether a product can write the rows of a total that are not adjacent: each must be a row of the
// product, or a block of a row.
bool Additions::writes_rows(const Instruction& product, ValueId total) const {
  const ProductSize size = size_of_product(uses_.program(), product);
  const int64_t cols = cols_of(uses_.type(total).shape);
  return cols == size.n || cols == size.blocks * size.n;
}

bool Additions::can_lie_in_part(ValueId total) const {
  return !places_.placed(total) && uses_.only_inside(total) && read_as_part(uses_, total);
}

// Finds rows that are added to products, whose results nothing else reads.
void Additions::find_rows() {
  const Program& p = uses_.program();
  std::map<ValueId, const Instruction*> products;  // by the root that holds the result
  for (const Instruction& i : p.loop) {
    if (is_product(uses_, i)) products[i.outputs[0]] = &i;
    if (const Done* sum = done(i)) products[i.outputs[0]] = uses_.maker(sum->product);
  }
  for (const Instruction& i : p.loop) {
    if (!i.is(add_op)) continue;
    for (std::size_t side : {0u, 1u}) {
      const ValueId product = i.inputs[side], row = i.inputs[1 - side], total = i.outputs[0];
      const auto made = products.find(uses_.root(product));
      if (made == products.end() || done(i) || !(uses_.type(product) == uses_.type(total)) ||
          !is_row(row, *made->second, uses_.type(product).shape) || !uses_.read_once(product) ||
          !uses_.only_inside(product) || places_.placed(total) || !uses_.only_inside(total) ||
          (in_parts_.contains(uses_.root(product)) && !can_lie_in_part(total)))
        continue;
      added_[made->second].row = row;
      done_[&i] = {product, product};
      break;
    }
  }
}

// Whether v is added to each row of a product, with all its blocks, in this shape.
bool Additions::is_row(ValueId v, const Instruction& product, const Shape& of) const {
  const Program& p = uses_.program();
  const Shape& s = p.shape(v);
  const ProductSize size = size_of_product(p, product);
  if (!uses_.there_before(v) || p.type(v).dtype != p.type(product.outputs[0]).dtype ||
      s.rank() < 1 || s.rank() > of.rank() || s.count() != size.blocks * size.n)
    return false;
  const auto* const first = std::find_if(s.begin(), s.end(), [](int64_t n) { return n != 1; });
  return std::equal(first, s.end(), of.end() - (s.end() - first));
}

}  // namespace tempo
