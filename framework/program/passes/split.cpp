#include "program/builder.hpp"
#include "program/passes/passes.hpp"

#include <algorithm>
#include <set>

namespace tempo {

namespace {

class Split {
 public:
  explicit Split(Program p) : p_(std::move(p)), from_state_(p_.carried.begin(), p_.carried.end()) {}

  Program run() {
    std::vector<Instruction> loop;
    for (Instruction& i : p_.loop) {
      if (std::any_of(i.inputs.begin(), i.inputs.end(), [this](int v) { return on_state(v); }))
        from_state_.insert(i.outputs.begin(), i.outputs.end());
      const Instruction* columns = concatenation(loop, i);
      if (columns)
        split(loop, std::vector<int>(columns->inputs), i);
      else
        loop.push_back(std::move(i));
    }
    p_.loop = std::move(loop);
    return without_dead(std::move(p_));
  }

 private:
  bool on_state(int v) const { return from_state_.count(v) > 0; }
  const ProgramValue& value(int v) const { return p_.values[static_cast<std::size_t>(v)]; }

  // The concatenation of columns that a product with a fixed right side reads, if some of them, and
  // not all, come from the state.
  const Instruction* concatenation(const std::vector<Instruction>& loop,
                                   const Instruction& i) const {
    static const OpDefinition *matmul = find_op("matmul"), *concat = find_op("concat");
    if (i.op != matmul || i.attributes.integer("transpose_a", 0) ||
        value(i.inputs[1]).standing != Standing::fixed || value(i.inputs[1]).type.shape.rank() != 2)
      return nullptr;
    const auto made = std::find_if(loop.begin(), loop.end(), [&](const Instruction& other) {
      return other.op == concat && other.outputs[0] == i.inputs[0];
    });
    if (made == loop.end() || made->attributes.integer("axis") != -1) return nullptr;
    const auto n = std::count_if(made->inputs.begin(), made->inputs.end(),
                                 [this](int v) { return on_state(v); });
    return n > 0 && n < static_cast<std::ptrdiff_t>(made->inputs.size()) ? &*made : nullptr;
  }

  void split(std::vector<Instruction>& loop, const std::vector<int>& columns,
             const Instruction& product) {
    const int64_t axis = product.attributes.integer("transpose_b", 0) ? -1 : -2;
    int64_t begin = 0;
    int sum = -1;
    for (int v : columns) {
      const int64_t end = begin + value(v).type.shape.back();
      const int rows = append(p_, loop, "slice", {{"axis", axis}, {"begin", begin}, {"end", end}},
                              {product.inputs[1]})[0];
      const int part = append(p_, loop, "matmul", product.attributes, {v, rows})[0];
      sum = sum < 0 ? part : append(p_, loop, "add", {}, {sum, part})[0];
      begin = end;
    }
    loop.back().outputs = product.outputs;
  }

  Program p_;
  std::set<int> from_state_;
};

}  // namespace

Program split(Program p) { return Split(std::move(p)).run(); }

}  // namespace tempo
