#include "program/builder.hpp"

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

int ProgramBuilder::input(Standing standing, const Ref<Value>& placeholder, std::string name,
                          bool batch_first) {
  const int id = number(placeholder, standing, std::move(name));
  program.values.back().batch_first = batch_first;
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

std::vector<int> append(Program& p, std::vector<Instruction>& to, const char* op,
                        Attributes attributes, std::vector<int> inputs, std::size_t n_results) {
  const OpDefinition* definition = find_op(op);
  std::vector<TensorType> types;
  bool fixed = true;
  for (int v : inputs) {
    types.push_back(p.values[static_cast<std::size_t>(v)].type);
    fixed &= p.values[static_cast<std::size_t>(v)].standing == Standing::fixed;
  }
  std::vector<int> outputs;
  for (TensorType& type : definition->type({types, attributes, n_results})) {
    outputs.push_back(static_cast<int>(p.values.size()));
    p.values.push_back({fixed ? Standing::fixed : Standing::sequence, std::move(type), ""});
  }
  to.push_back({definition, std::move(attributes), std::move(inputs), outputs});
  return outputs;
}

ProgramBuilder traced_again(const Program& p) {
  ProgramBuilder builder;
  std::vector<Ref<Value>> now(p.values.size());
  const auto of = [&now](int v) -> Ref<Value>& { return now[static_cast<std::size_t>(v)]; };
  Trace trace;
  for (std::size_t i = 0; i < p.n_inputs(); ++i) {
    const ProgramValue& value = p.values[static_cast<std::size_t>(p.input(i))];
    of(p.input(i)) = trace.placeholder(value.type);
    builder.input(value.standing, of(p.input(i)), value.name, value.batch_first);
  }
  for (const Instruction& i : p.loop) {
    std::vector<Ref<Value>> inputs;
    for (int v : i.inputs) inputs.push_back(of(v));
    std::vector<Ref<Value>> made = apply(*i.op, std::move(inputs), i.attributes, i.outputs.size());
    for (std::size_t k = 0; k < made.size(); ++k) of(i.outputs[k]) = std::move(made[k]);
  }
  for (const Ref<Application>& a : trace.applications()) builder.add(*a);
  for (int v : p.next) builder.program.next.push_back(builder.find(*of(v)));
  for (const ProgramResult& r : p.results)
    builder.program.results.push_back({r.kind, builder.find(*of(r.value)), r.batch_first});
  builder.program.reverse = p.reverse;
  settle_standings(builder.program);
  return builder;
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
