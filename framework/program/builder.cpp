// SPDX-License-Identifier: Apache-2.0
// Numbers the values of a trace, and writes its applications as instructions.
#include "program/builder.hpp"

#include <algorithm>

#include "ops/known.hpp"
#include "program/uses.hpp"

namespace tempo {

ValueId ProgramBuilder::number(const Ref<Value>& node, Role role, std::string name) {
  const ValueId id = program.add_value(role, node->type, std::move(name));
  nodes.push_back(node);
  numbers_[identity(*node)] = id;
  return id;
}

ValueId ProgramBuilder::input(Role role, const Ref<Value>& placeholder, std::string name,
                              bool batch_first) {
  const ValueId id = number(placeholder, role, std::move(name));
  program.values.back().batch_first = batch_first;
  (role == Role::fixed      ? program.fixed
   : role == Role::sequence ? program.sequences
                            : program.carried)
      .push_back(id);
  return id;
}

std::optional<ValueId> ProgramBuilder::find(const Value& value) const {
  const auto at = numbers_.find(identity(value));
  return at == numbers_.end() ? std::nullopt : std::optional(at->second);
}

ValueId ProgramBuilder::at(const Value& value) const {
  if (const auto id = find(value)) return *id;
  throw Error("scan: a result is not a value of this step.");
}

void ProgramBuilder::add(const Application& application) {
  Instruction instruction{application.op, application.attributes, {}, {}};
  for (const Ref<Value>& input : application.inputs) {
    const auto id = find(*input);
    if (!id)
      throw Error("scan: `" + application.op->name + "` reads a value that is not of this step.");
    instruction.inputs.push_back(*id);
  }
  const Ref<Application> shared = Ref<Application>::share(const_cast<Application*>(&application));
  for (std::size_t k = 0; k < application.types.size(); ++k)
    instruction.outputs.push_back(number(result_of(shared, k), Role::sequence, ""));
  program.loop.push_back(std::move(instruction));
}

ValueIds append(Program& p, std::vector<Instruction>& to, const OpDefinition& op,
                Attributes attributes, ValueIds inputs, std::size_t n_results) {
  std::vector<TensorType> types;
  for (ValueId v : inputs) types.push_back(p.type(v));
  const bool fixed =
      std::all_of(inputs.begin(), inputs.end(), [&p](ValueId v) { return p.is_fixed(v); });
  ValueIds outputs;
  for (TensorType& type : op.type({types, attributes, n_results}))
    outputs.push_back(p.add_value(fixed ? Role::fixed : Role::sequence, std::move(type)));
  to.push_back({&op, std::move(attributes), std::move(inputs), outputs});
  return outputs;
}

Attributes shape_attribute(const Shape& shape) {
  return {{"shape", std::vector<int64_t>(shape.begin(), shape.end())}};
}

ValueId reshaped(Program& p, ValueId v, const Shape& shape) {
  if (p.shape(v) == shape) return v;
  return append(p, p.loop, reshape_op, shape_attribute(shape), {v})[0];
}

ProgramBuilder traced_again(const Program& p) {
  ProgramBuilder builder;
  ValueTable<Ref<Value>> now(p);
  Trace trace;
  for (std::size_t i = 0; i < p.n_inputs(); ++i) {
    const ValueId v = p.input(i);
    now[v] = trace.placeholder(p.type(v));
    builder.input(p[v].role, now[v], p[v].name, p[v].batch_first);
  }
  for (const Instruction& i : p.loop) {
    std::vector<Ref<Value>> inputs;
    for (ValueId v : i.inputs) inputs.push_back(now[v]);
    std::vector<Ref<Value>> made = apply(*i.op, std::move(inputs), i.attributes, i.outputs.size());
    for (std::size_t k = 0; k < made.size(); ++k) now[i.outputs[k]] = std::move(made[k]);
  }
  for (const Ref<Application>& a : trace.applications()) builder.add(*a);
  for (ValueId v : p.next) builder.program.next.push_back(builder.at(*now[v]));
  for (const ProgramResult& r : p.results)
    builder.program.results.push_back({r.kind, builder.at(*now[r.value]), r.batch_first});
  builder.program.reverse = p.reverse;
  settle_roles(builder.program);
  return builder;
}

void settle_roles(Program& p) {
  for (const Instruction& i : p.loop) {
    const bool fixed =
        std::all_of(i.inputs.begin(), i.inputs.end(), [&p](ValueId v) { return p.is_fixed(v); });
    for (ValueId v : i.outputs) p[v].role = fixed ? Role::fixed : Role::sequence;
  }
}

}  // namespace tempo
