#include "program/instruction.hpp"
#include "program/passes/passes.hpp"

#include <algorithm>

namespace tempo {

namespace {

bool all_of(const std::vector<int>& values, const std::vector<bool>& which) {
  return std::all_of(values.begin(), values.end(),
                     [&](int v) { return which[static_cast<std::size_t>(v)]; });
}
bool any_of(const std::vector<int>& values, const std::vector<bool>& which) {
  return std::any_of(values.begin(), values.end(),
                     [&](int v) { return which[static_cast<std::size_t>(v)]; });
}

// From the last instruction to the first, so that all that reads a value is known when the
// instruction that makes it is placed.
class Sink {
 public:
  explicit Sink(Program p)
      : p_(std::move(p)),
        loop_(p_.values.size(), false),
        slab_(p_.values.size(), false),
        summed_(p_.values.size(), false),
        sum_of_(p_.values.size(), -1) {
    note_readers();
  }

  Program run() {
    std::vector<int> there;
    for (std::size_t i = 0; i < p_.n_inputs(); ++i) there.push_back(p_.input(i));
    for (const Instruction& i : p_.before)
      there.insert(there.end(), i.outputs.begin(), i.outputs.end());
    for (std::size_t k = p_.loop.size(); k-- > 0;) settle(std::move(p_.loop[k]));
    for (int v : there) sum_slab(v);
    for (ProgramResult& r : p_.results)
      if (r.kind == ProgramResult::sum) r.value = sum_of(r.value);
    std::reverse(stay_.begin(), stay_.end());
    std::reverse(moved_.begin(), moved_.end());
    p_.loop = std::move(stay_);
    p_.before.insert(p_.before.end(), fixed_.rbegin(), fixed_.rend());
    for (Moved& m : moved_) {
      if (m.on_sums)
        for (int& v : m.instruction.inputs) v = sum_of(v);
      p_.after.push_back(std::move(m.instruction));
    }
    return std::move(p_);
  }

 private:
  struct Moved {
    Instruction instruction;
    bool on_sums;  // it reads its inputs' sums over time
  };

  static std::size_t at(int v) { return static_cast<std::size_t>(v); }
  bool fixed(int v) const { return p_.values[at(v)].standing == Standing::fixed; }
  int sum_of(int v) const { return sum_of_[at(v)] >= 0 ? sum_of_[at(v)] : v; }

  void note_readers() {
    for (int v : p_.next) loop_[at(v)] = true;
    for (int v : p_.fixed) slab_[at(v)] = true;
    for (int v : p_.sequences) slab_[at(v)] = true;
    for (const Instruction& i : p_.before)
      for (int v : i.outputs) slab_[at(v)] = true;
    for (const ProgramResult& r : p_.results) {
      if (r.kind == ProgramResult::sequence) slab_[at(r.value)] = true;
      if (r.kind == ProgramResult::last) loop_[at(r.value)] = true;
      if (r.kind == ProgramResult::sum && !fixed(r.value)) summed_[at(r.value)] = true;
    }
  }

  void settle(Instruction i) {
    if (fixed(i.outputs[0])) return fixed_.push_back(std::move(i));
    const bool only_summed =
        any_of(i.outputs, summed_) && !any_of(i.outputs, loop_) && !any_of(i.outputs, slab_) &&
        std::none_of(i.inputs.begin(), i.inputs.end(), [this](int v) { return fixed(v); });
    if (only_summed && i.op->linear) return apply_to_sums(std::move(i));
    if (only_summed && sums_over_time(i)) return sum(std::move(i));
    const bool moves = !any_of(i.outputs, loop_) && any_of(i.outputs, slab_) &&
                       (all_of(i.inputs, slab_) ||
                        (i.op->leading_axis != LeadingAxis::changes && !is_light(p_, i)));
    for (int v : i.outputs) {
      if (moves) slab_[at(v)] = true;
      if (slab_[at(v)])
        sum_slab(v);
      else
        sum_in_loop(v);
    }
    for (int v : i.inputs) (moves ? slab_ : loop_)[at(v)] = true;
    if (moves)
      moved_.push_back({std::move(i), false});
    else
      stay_.push_back(std::move(i));
  }

  // Whether its op sums over a leading axis that is put before those of its inputs. What broadcasts
  // finds axes from the last one: ranks that differ would shift the new one.
  bool sums_over_time(const Instruction& i) const {
    if (!i.op->summed || i.outputs.size() != 1) return false;
    const auto rank = [this](int v) { return p_.values[at(v)].type.shape.rank(); };
    return i.op->leading_axis != LeadingAxis::broadcast ||
           std::all_of(i.inputs.begin(), i.inputs.end(),
                       [&](int v) { return rank(v) == rank(i.outputs[0]); });
  }

  // Its results on the sums of its inputs are the sums of its results.
  void apply_to_sums(Instruction i) {
    for (int v : i.inputs) summed_[at(v)] = true;
    for (int v : i.outputs) p_.values[at(v)].standing = Standing::fixed;
    moved_.push_back({std::move(i), true});
  }
  void sum(Instruction i) {
    i.summed = true;
    for (int v : i.inputs) slab_[at(v)] = true;
    p_.values[at(i.outputs[0])].standing = Standing::fixed;
    moved_.push_back({std::move(i), false});
  }

  // The sum of what is there of every step: taken by those that sum anyway, else behind the loop.
  void sum_slab(int v) {
    if (!summed_[at(v)] || fixed(v) || sum_of_[at(v)] >= 0) return;
    bool needed = is_result(v);
    for (Moved& m : moved_) {
      Instruction& i = m.instruction;
      if (!m.on_sums || std::find(i.inputs.begin(), i.inputs.end(), v) == i.inputs.end()) continue;
      if (i.op->summed && i.inputs.size() == 1) {
        i.summed = true;
        m.on_sums = false;
      } else {
        needed = true;
      }
    }
    if (!needed) return;
    sum_of_[at(v)] = new_value(p_.values[at(v)].type);
    moved_.push_back({{sum_to_, shape_of(v), {v}, {sum_of_[at(v)]}, true}, false});
  }
  bool is_result(int v) const {
    return std::any_of(p_.results.begin(), p_.results.end(), [v](const ProgramResult& r) {
      return r.kind == ProgramResult::sum && r.value == v;
    });
  }
  // The sum of what only the loop has: it grows in place, from zeros.
  void sum_in_loop(int v) {
    if (!summed_[at(v)] || fixed(v)) return;
    const TensorType type = p_.values[at(v)].type;
    const int zeros = new_value(type), running = new_value(type);
    p_.before.push_back({fill_,
                         {{"value", 0.0},
                          {"shape", std::vector<int64_t>(type.shape.begin(), type.shape.end())},
                          {"dtype", static_cast<int64_t>(type.dtype)}},
                         {},
                         {zeros}});
    stay_.push_back({add_, {}, {zeros, v}, {running}, true});
    sum_of_[at(v)] = running;
    if (!is_result(v)) return;
    sum_of_[at(v)] = new_value(type);
    moved_.push_back({{sum_to_, shape_of(v), {running}, {sum_of_[at(v)]}}, false});
  }
  int new_value(TensorType type) {
    p_.values.push_back({Standing::fixed, std::move(type), ""});
    return static_cast<int>(p_.values.size()) - 1;
  }
  Attributes shape_of(int v) const {
    const Shape& shape = p_.values[at(v)].type.shape;
    return {{"shape", std::vector<int64_t>(shape.begin(), shape.end())}};
  }

  Program p_;
  std::vector<bool> loop_;    // read by the loop, carried to the next step, or a last result
  std::vector<bool> slab_;    // there for every step: inputs, results, read behind the loop
  std::vector<bool> summed_;  // its sum over time is read
  std::vector<int> sum_of_;   // the value that is its sum, or -1: it is its own, or has none
  std::vector<Instruction> fixed_, stay_;
  std::vector<Moved> moved_;
  const OpDefinition *sum_to_ = find_op("sum_to"), *add_ = find_op("add"), *fill_ = find_op("fill");
};

}  // namespace

// What is elementwise is moved only if that needs no further slab: behind the loop it would read
// from memory what is in the cache inside it. What is linear is done once, on sums.
Program sink(Program p) { return Sink(std::move(p)).run(); }

}  // namespace tempo
