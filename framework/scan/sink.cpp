#include "scan/passes.hpp"

#include <algorithm>

namespace tempo {

namespace {

struct Readers {
  std::vector<bool> loop;  // read by the loop or carried to the next step
  std::vector<bool> slab;  // there for every step anyway: inputs, results, what `before` computed
};

Readers readers_of(const Program& p) {
  Readers r{std::vector<bool>(p.values.size(), false), std::vector<bool>(p.values.size(), false)};
  for (int v : p.next) r.loop[static_cast<std::size_t>(v)] = true;
  for (int v : p.fixed) r.slab[static_cast<std::size_t>(v)] = true;
  for (int v : p.sequences) r.slab[static_cast<std::size_t>(v)] = true;
  for (const Instruction& i : p.before)
    for (int v : i.outputs) r.slab[static_cast<std::size_t>(v)] = true;
  for (const ProgramResult& result : p.results)
    if (result.kind == ProgramResult::sequence)
      r.slab[static_cast<std::size_t>(result.value)] = true;
  return r;
}

bool is_last_result(const Program& p, int value) {
  return std::any_of(p.results.begin(), p.results.end(), [value](const ProgramResult& r) {
    return r.kind == ProgramResult::last && r.value == value;
  });
}

// Whether all that is wanted of an instruction is its sum over time, and its op has that form.
bool only_summed(const Program& p, const Instruction& i) {
  if (!i.op->summed || i.outputs.size() != 1) return false;
  const int v = i.outputs[0];
  for (const Instruction& other : p.loop)
    if (std::find(other.inputs.begin(), other.inputs.end(), v) != other.inputs.end()) return false;
  for (int input : i.inputs)
    if (p.values[static_cast<std::size_t>(input)].standing == Standing::fixed) return false;
  return std::all_of(p.results.begin(), p.results.end(), [v](const ProgramResult& r) {
    return r.value != v || r.kind == ProgramResult::sum;
  });
}

}  // namespace

// What is elementwise is moved only if that needs no further slab: behind the loop it would read
// from memory what is in the cache inside it.
Program sink(Program p) {
  Readers readers = readers_of(p);
  std::vector<Instruction> stay, moved;
  const Program before = p;  // its loop, whole
  for (std::size_t k = p.loop.size(); k-- > 0;) {
    Instruction& i = p.loop[k];
    const bool needed = std::any_of(i.outputs.begin(), i.outputs.end(), [&](int v) {
      return readers.loop[static_cast<std::size_t>(v)] || is_last_result(p, v);
    });
    const bool slabs = std::all_of(i.inputs.begin(), i.inputs.end(), [&](int v) {
      return readers.slab[static_cast<std::size_t>(v)];
    });
    const bool moves =
        !needed &&
        (slabs || only_summed(before, i) ||
         (i.op->leading_axis != LeadingAxis::changes && !i.op->pointwise && !i.op->rearranges));
    i.summed = moves && only_summed(before, i);
    if (i.summed) p.values[static_cast<std::size_t>(i.outputs[0])].standing = Standing::fixed;
    for (int v : i.inputs)
      (moves ? readers.slab : readers.loop)[static_cast<std::size_t>(v)] = true;
    (moves ? moved : stay).push_back(std::move(i));
  }
  std::reverse(stay.begin(), stay.end());
  std::reverse(moved.begin(), moved.end());
  p.loop = std::move(stay);
  p.after = std::move(moved);
  return p;
}

}  // namespace tempo
