#include "program/builder.hpp"
#include "program/passes/passes.hpp"

#include <algorithm>

namespace tempo {

namespace {

class Narrow {
 public:
  explicit Narrow(Program p) : p_(std::move(p)), narrow_(p_.values.size(), -1) {}

  Program run() {
    count_readers();
    std::vector<Instruction> before = std::move(p_.loop);
    p_.loop.clear();
    for (Instruction& i : before) add(std::move(i));
    return without_dead(std::move(p_));
  }

 private:
  static std::size_t at(int v) { return static_cast<std::size_t>(v); }
  const TensorType& type(int v) const { return p_.values[at(v)].type; }

  void count_readers() {
    readers_.assign(p_.values.size(), 0);
    for (const Instruction& i : p_.loop)
      for (int v : i.inputs) ++readers_[at(v)];
    for (const ProgramResult& r : p_.results) ++readers_[at(r.value)];
    for (int v : p_.next) ++readers_[at(v)];
  }

  void add(Instruction i) {
    if (i.op == broadcast_to_) {
      const int of = i.inputs[0];
      narrow_[at(i.outputs[0])] = narrow_[at(of)] >= 0 ? narrow_[at(of)] : of;
      p_.loop.push_back(std::move(i));
    } else if (i.op == sum_to_ && negates(i.inputs[0])) {
      add_negative_of_sum(i);
    } else if (i.op->pointwise && i.outputs.size() == 1) {
      add_pointwise(std::move(i));
    } else {
      p_.loop.push_back(std::move(i));
    }
  }

  // On the narrow operands; if all are, the result is narrow, too.
  void add_pointwise(Instruction i) {
    std::vector<int> inputs = i.inputs;
    std::vector<TensorType> types;
    for (int& v : inputs) {
      if (narrow_[at(v)] >= 0) v = narrow_[at(v)];
      types.push_back(type(v));
    }
    const TensorType own = i.op->type({types, i.attributes, 1})[0];
    const int whole = i.outputs[0];
    i.inputs = std::move(inputs);
    if (own == type(whole)) return p_.loop.push_back(std::move(i));
    const int narrow = append(p_, p_.loop, i.op->name.c_str(), i.attributes, i.inputs)[0];
    narrow_[at(whole)] = narrow;
    const Shape& shape = type(whole).shape;
    p_.loop.push_back({broadcast_to_,
                       {{"shape", std::vector<int64_t>(shape.begin(), shape.end())}},
                       {narrow},
                       {whole}});
  }

  // The sum of what is negative is the negative of the sum.
  const Instruction* negates(int v) const {
    const auto made = std::find_if(p_.loop.begin(), p_.loop.end(),
                                   [v](const Instruction& i) { return i.outputs[0] == v; });
    return made != p_.loop.end() && made->op == negative_ && readers_[at(v)] == 1 ? &*made
                                                                                  : nullptr;
  }
  void add_negative_of_sum(const Instruction& sum) {
    const std::vector<int> of = negates(sum.inputs[0])->inputs;
    const int total = append(p_, p_.loop, "sum_to", sum.attributes, of)[0];
    p_.loop.push_back({negative_, {}, {total}, sum.outputs});
  }

  Program p_;
  std::vector<int> narrow_;  // the value that a value is a repetition of, or -1
  std::vector<int> readers_;
  const OpDefinition *broadcast_to_ = find_op("broadcast_to"), *sum_to_ = find_op("sum_to"),
                     *negative_ = find_op("negative");
};

}  // namespace

Program narrow(Program p) { return Narrow(std::move(p)).run(); }

}  // namespace tempo
