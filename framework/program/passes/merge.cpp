#include "program/builder.hpp"
#include "program/passes/passes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace tempo {

namespace {

class Merge {
 public:
  explicit Merge(Program p) : p_(std::move(p)) {
    std::stable_partition(p_.loop.begin(), p_.loop.end(),
                          [this](const Instruction& i) { return fixed(i.outputs[0]); });
  }

  Program run() {
    note_feeding();
    merge_products();
    while (lift()) {
    }
    return without_dead(std::move(p_));
  }

 private:
  const TensorType& type(int v) const { return p_.values[static_cast<std::size_t>(v)].type; }
  bool fixed(int v) const {
    return p_.values[static_cast<std::size_t>(v)].standing == Standing::fixed;
  }
  static bool reads(const Instruction& i, int v) {
    return std::find(i.inputs.begin(), i.inputs.end(), v) != i.inputs.end();
  }

  // --- products

  // What the next state depends on. The rest may run behind the loop and is kept apart.
  void note_feeding() {
    feeds_.insert(p_.next.begin(), p_.next.end());
    for (std::size_t k = p_.loop.size(); k-- > 0;) {
      const Instruction& i = p_.loop[k];
      if (std::any_of(i.outputs.begin(), i.outputs.end(), [this](int v) { return feeds(v); }))
        feeds_.insert(i.inputs.begin(), i.inputs.end());
    }
  }
  bool feeds(int v) const { return feeds_.count(v) > 0; }

  // Left side, whether the right one is transposed, and whether the next state needs it.
  using Kind = std::tuple<int, bool, bool>;

  bool may_merge(const Instruction& i) const {
    static const OpDefinition* matmul = find_op("matmul");
    return i.op == matmul && !i.attributes.integer("transpose_a", 0) && !fixed(i.inputs[0]) &&
           fixed(i.inputs[1]) && type(i.inputs[1]).shape.rank() == 2;
  }
  static Kind kind_of(const Instruction& i, bool feeds) {
    return {i.inputs[0], i.attributes.integer("transpose_b", 0) != 0, feeds};
  }

  void merge_products() {
    std::map<Kind, std::vector<Instruction>> alike;
    for (const Instruction& i : p_.loop)
      if (may_merge(i)) alike[kind_of(i, feeds(i.outputs[0]))].push_back(i);
    std::vector<Instruction> loop;
    for (Instruction& i : p_.loop) {
      const auto at = may_merge(i) ? alike.find(kind_of(i, feeds(i.outputs[0]))) : alike.end();
      if (at == alike.end() || at->second.size() == 1)
        loop.push_back(std::move(i));
      else if (at->second[0].outputs == i.outputs)
        merge(loop, at->second);
    }
    p_.loop = std::move(loop);
  }

  void merge(std::vector<Instruction>& loop, const std::vector<Instruction>& products) {
    const bool transposed = products[0].attributes.integer("transpose_b", 0) != 0;
    std::vector<int> rights, outputs;
    for (const Instruction& i : products) {
      rights.push_back(i.inputs[1]);
      outputs.push_back(i.outputs[0]);
    }
    const int right =
        append(p_, loop, "concat", {{"axis", int64_t{transposed ? -2 : -1}}}, rights)[0];
    const int all =
        append(p_, loop, "matmul", products[0].attributes, {products[0].inputs[0], right})[0];
    split(loop, all, outputs);
  }
  void split(std::vector<Instruction>& loop, int all, const std::vector<int>& parts) {
    std::vector<int64_t> sizes;
    for (int v : parts) sizes.push_back(type(v).shape.back());
    append(p_, loop, "split", {{"axis", int64_t{-1}}, {"sizes", sizes}}, {all}, parts.size());
    loop.back().outputs = parts;
  }

  // --- what is done to all parts alike is done to the whole

  static bool is_split(const Instruction& i) {
    static const OpDefinition* split = find_op("split");
    return i.op == split && i.attributes.integer("axis") == -1;
  }
  // The place in the loop of the only reader of a value; -1 if there is none.
  int only_reader(int v) const {
    int found = -1;
    for (std::size_t k = 0; k < p_.loop.size(); ++k)
      if (reads(p_.loop[k], v)) {
        if (found >= 0) return -1;
        found = static_cast<int>(k);
      }
    const bool outside = std::find(p_.next.begin(), p_.next.end(), v) != p_.next.end() ||
                         std::any_of(p_.results.begin(), p_.results.end(),
                                     [v](const ProgramResult& r) { return r.value == v; });
    return outside ? -1 : found;
  }

  bool lift() {
    for (std::size_t k = 0; k < p_.loop.size(); ++k)
      if (is_split(p_.loop[k]) && lift(Instruction(p_.loop[k]))) return true;
    return false;
  }
  bool lift(const Instruction& parts) {
    std::vector<int> readers, others;
    std::size_t side = 0;
    for (int v : parts.outputs) {
      const int at = only_reader(v);
      if (at < 0) return false;
      const Instruction& i = p_.loop[static_cast<std::size_t>(at)];
      if (!i.op->pointwise || !i.op->linear || i.inputs.size() != 2) return false;
      if (readers.empty()) side = i.inputs[0] == v ? 0 : 1;
      if (i.inputs[side] != v ||
          i.op != p_.loop[static_cast<std::size_t>(readers.empty() ? at : readers[0])].op)
        return false;
      readers.push_back(at);
      others.push_back(i.inputs[1 - side]);
    }
    if (!made_before(others, *std::min_element(readers.begin(), readers.end()))) return false;
    std::vector<Instruction> made;
    const int other = whole(others, parts, made);
    if (other < 0) return false;
    std::vector<int> inputs{parts.inputs[0], other}, outputs;
    if (side == 1) std::swap(inputs[0], inputs[1]);
    for (int at : readers) outputs.push_back(p_.loop[static_cast<std::size_t>(at)].outputs[0]);
    const char* op = p_.loop[static_cast<std::size_t>(readers[0])].op->name.c_str();
    split(made, append(p_, made, op, {}, inputs)[0], outputs);
    replace(readers, made);
    return true;
  }

  // Whether these are there before the instruction at this place, where the whole will be made.
  bool made_before(const std::vector<int>& values, int place) const {
    return std::none_of(p_.loop.begin() + place, p_.loop.end(), [&](const Instruction& i) {
      return std::any_of(values.begin(), values.end(), [&i](int v) {
        return std::find(i.outputs.begin(), i.outputs.end(), v) != i.outputs.end();
      });
    });
  }

  // One value whose parts on the last axis are these, beside those of `parts`; -1 if there is none.
  int whole(const std::vector<int>& others, const Instruction& parts,
            std::vector<Instruction>& made) {
    for (const Instruction& i : p_.loop)
      if (is_split(i) && i.outputs == others && i.inputs[0] != parts.inputs[0])
        return type(i.inputs[0]) == type(parts.inputs[0]) ? i.inputs[0] : -1;
    for (std::size_t k = 0; k < others.size(); ++k)
      if (!fixed(others[k]) || type(others[k]).shape.rank() != 1 ||
          type(others[k]).shape[0] != type(parts.outputs[k]).shape.back())
        return -1;
    return append(p_, made, "concat", {{"axis", int64_t{-1}}}, others)[0];
  }

  void replace(const std::vector<int>& places, const std::vector<Instruction>& by) {
    const std::set<int> gone(places.begin(), places.end());
    std::vector<Instruction> loop;
    for (int k = 0; k < static_cast<int>(p_.loop.size()); ++k) {
      if (k == *gone.begin()) loop.insert(loop.end(), by.begin(), by.end());
      if (!gone.count(k)) loop.push_back(std::move(p_.loop[static_cast<std::size_t>(k)]));
    }
    p_.loop = std::move(loop);
  }

  Program p_;
  std::set<int> feeds_;
};

}  // namespace

Program merge(Program p) { return Merge(std::move(p)).run(); }

}  // namespace tempo
