// a + b c becomes a product that is added to where a lies; a row is added by the product too.
#include "scan/planner.hpp"

namespace tempo {

Additions::Additions(const Uses& uses, Places& places) : uses_(uses), places_(places) {
  find_sums();
  find_biases();
}

const Additions::Done* Additions::done(const Instruction& addition) const {
  const auto at = done_.find(&addition);
  return at == done_.end() ? nullptr : &at->second;
}

namespace {

bool is_addition(const Instruction& i) {
  static const OpDefinition* add = find_op("add");
  return i.op == add;
}

}  // namespace

// From the last to the first: what one sum is added to may be a sum itself.
void Additions::find_sums() {
  const std::vector<Instruction>& loop = uses_.program().loop;
  for (std::size_t k = loop.size(); k-- > 0;)
    if (is_addition(loop[k]))
      for (std::size_t side : {1u, 0u})
        if (add_in_place(loop[k], loop[k].inputs[side], loop[k].inputs[1 - side])) break;
}

// The sum of a product that nothing else reads and of a value that nothing else reads and that is
// there before.
bool Additions::add_in_place(const Instruction& addition, int product, int other) {
  const Instruction* made = uses_.maker(product);
  const int total = addition.outputs[0];
  if (!made || !is_product(uses_.program(), *made) || !uses_.read_once(product) ||
      !uses_.only_inside(product) || places_.placed(product) || sums_.count(made) ||
      !(uses_.type(other) == uses_.type(total)))
    return false;
  if (uses_.made_for_loop(other)) {
    if (places_.placed(total) || uses_.carried(total)) return false;
  } else {
    const Instruction* before = uses_.maker(other);
    if (!before || before > made || !uses_.read_once(other) || !uses_.only_inside(other) ||
        places_.placed(other))
      return false;
    if (!places_.placed(total)) places_.place(total, Block::scratch);
    places_.region(other) = places_.region(total);
  }
  sums_[made] = other;
  done_[&addition] = {other, product};
  return true;
}

// A row that is added to what a product makes, and that nothing else reads.
void Additions::find_biases() {
  const Program& p = uses_.program();
  std::map<int, const Instruction*> products;  // by the value that holds the result
  for (const Instruction& i : p.loop) {
    if (is_product(p, i)) products[i.outputs[0]] = &i;
    if (const Done* sum = done(i)) products[i.outputs[0]] = uses_.maker(sum->product);
  }
  for (const Instruction& i : p.loop) {
    if (!is_addition(i)) continue;
    for (std::size_t side : {0u, 1u}) {
      const int product = i.inputs[side], bias = i.inputs[1 - side], total = i.outputs[0];
      const auto made = products.find(product);
      if (made == products.end() || done(i) || !is_row(bias, uses_.type(product)) ||
          !uses_.read_once(product) || !uses_.only_inside(product) || places_.placed(total) ||
          uses_.carried(total))
        continue;
      biases_[made->second] = bias;
      done_[&i] = {product, product};
      break;
    }
  }
}

bool Additions::is_row(int v, const TensorType& of) const {
  const Shape& s = uses_.type(v).shape;
  return uses_.there_before(v) && uses_.type(v).dtype == of.dtype && s.rank() >= 1 &&
         s.count() == s.back() && s.back() == cols_of(of.shape) && s.rank() <= of.shape.rank();
}

}  // namespace tempo
