// SPDX-License-Identifier: Apache-2.0
// Makes a Program from a traced step.
#pragma once

#include <map>

#include "graph/trace.hpp"
#include "program/program.hpp"

namespace tempo {

/// Numbers the values of a trace, and writes its applications as instructions.
class ProgramBuilder {
 public:
  /// A new input for a placeholder.
  ValueId input(Role role, const Ref<Value>& placeholder, std::string name = "",
                bool batch_first = false);
  /// The number of a value; nothing if it was not added.
  std::optional<ValueId> find(const Value& value) const;
  /// The number of a value; throws an Error if it was not added.
  ValueId at(const Value& value) const;
  /// Writes an application as the next instruction of the loop; its inputs must have been added.
  void add(const Application& application);

  Program program;
  /// The traced value of each number.
  std::vector<Ref<Value>> nodes;

 private:
  ValueId number(const Ref<Value>& node, Role role, std::string name);
  std::map<ValueIdentity, ValueId> numbers_;
};

/// Appends an instruction to `to`; its results are new values with the types of the op's results.
ValueIds append(Program& program, std::vector<Instruction>& to, const OpDefinition& op,
                Attributes attributes, ValueIds inputs, std::size_t n_results = 1);
/// The attributes of an op that takes a shape.
Attributes shape_attribute(const Shape& shape);
/// The value in this shape: made by one more instruction of the loop, unless it has that shape.
ValueId reshaped(Program& program, ValueId v, const Shape& shape);
/// Traces a rewritten Program again, so that its values have nodes.
ProgramBuilder traced_again(const Program& program);
/// Sets the role of each result: fixed if all operands are, else a sequence. All is in the loop.
void settle_roles(Program& program);

}  // namespace tempo
