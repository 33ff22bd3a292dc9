#include "scan/build.hpp"

#include <algorithm>

namespace tempo {

namespace {
std::pair<const void*, std::size_t> identity(const Value& value) {
  if (value.from) return {value.from.get(), value.index};
  return {&value, 0};
}
}  // namespace

int ProgramBuilder::number(const Ref<Value>& node, Standing standing, std::string name) {
  const int id = static_cast<int>(nodes.size());
  nodes.push_back(node);
  program.values.push_back({standing, node->type, std::move(name)});
  numbers_[identity(*node)] = id;
  return id;
}

int ProgramBuilder::input(Standing standing, const Ref<Value>& placeholder, std::string name) {
  const int id = number(placeholder, standing, std::move(name));
  (standing == Standing::fixed      ? program.fixed
   : standing == Standing::sequence ? program.sequences
                                    : program.carried)
      .push_back(id);
  return id;
}

int ProgramBuilder::find(const Value& value) const {
  const auto at = numbers_.find(identity(value));
  return at == numbers_.end() ? -1 : at->second;
}

void ProgramBuilder::add(const Application& application) {
  Instruction instruction{application.op, application.attributes, {}, {}};
  for (const Ref<Value>& input : application.inputs) {
    const int id = find(*input);
    if (id < 0)
      throw Error("scan: `" + application.op->name + "` reads a value that is not of this step.");
    instruction.inputs.push_back(id);
  }
  const Ref<Application> shared = Ref<Application>::share(const_cast<Application*>(&application));
  for (std::size_t k = 0; k < application.types.size(); ++k)
    instruction.outputs.push_back(number(result_of(shared, k), Standing::sequence, ""));
  program.loop.push_back(std::move(instruction));
}

Program without_dead(Program p) {
  std::vector<bool> live(p.values.size(), false);
  const auto mark = [&live](int v) {
    const bool is_new = !live[static_cast<std::size_t>(v)];
    live[static_cast<std::size_t>(v)] = true;
    return is_new;
  };
  for (const ProgramResult& r : p.results) mark(r.value);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t k = 0; k < p.carried.size(); ++k)
      if (live[static_cast<std::size_t>(p.carried[k])]) changed |= mark(p.next[k]);
    for (std::size_t i = p.loop.size(); i-- > 0;) {
      const Instruction& in = p.loop[i];
      if (std::none_of(in.outputs.begin(), in.outputs.end(),
                       [&](int v) { return live[static_cast<std::size_t>(v)]; }))
        continue;
      for (int v : in.inputs) changed |= mark(v);
    }
  }
  std::erase_if(p.loop, [&](const Instruction& in) {
    return std::none_of(in.outputs.begin(), in.outputs.end(),
                        [&](int v) { return live[static_cast<std::size_t>(v)]; });
  });
  for (std::size_t k = 0; k < p.carried.size(); ++k)
    if (!live[static_cast<std::size_t>(p.carried[k])]) p.next[k] = p.carried[k];
  return p;
}

void settle_standings(Program& p) {
  for (const Instruction& i : p.loop) {
    Standing standing = Standing::fixed;
    for (int v : i.inputs)
      if (p.values[static_cast<std::size_t>(v)].standing != Standing::fixed)
        standing = Standing::sequence;
    for (int v : i.outputs) p.values[static_cast<std::size_t>(v)].standing = standing;
  }
}

}  // namespace tempo
