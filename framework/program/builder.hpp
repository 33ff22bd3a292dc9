// SPDX-License-Identifier: Apache-2.0
// From a traced step to a Program.
#pragma once

#include <map>

#include "graph/trace.hpp"
#include "program/program.hpp"

namespace tempo {

/// Numbers the values of a trace and writes down its applications.
class ProgramBuilder {
 public:
  /// A new input for a placeholder.
  ValueId input(Role role, const Ref<Value>& placeholder, std::string name = "",
                bool batch_first = false);
  /// The number of a value that was added, if it was.
  std::optional<ValueId> find(const Value& value) const;
  /// The number of a value; one that was not added is an Error.
  ValueId at(const Value& value) const;
  /// Writes an application down as the next instruction of the loop; its inputs must be known.
  void add(const Application& application);

  Program program;
  /// The traced value of each number.
  std::vector<Ref<Value>> nodes;

 private:
  ValueId number(const Ref<Value>& node, Role role, std::string name);
  std::map<ValueIdentity, ValueId> numbers_;
};

/// Appends one more instruction to `to`; its results are new values, of the op's types.
ValueIds append(Program& program, std::vector<Instruction>& to, const OpDefinition& op,
                Attributes attributes, ValueIds inputs, std::size_t n_results = 1);
/// The attribute of an op that is told a shape.
Attributes shape_attribute(const Shape& shape);
/// The value under this shape: by one more instruction of the loop, unless it has it.
ValueId reshaped(Program& program, ValueId v, const Shape& shape);
/// Traces a rewritten Program again, so that its values have nodes.
ProgramBuilder traced_again(const Program& program);
/// Whether each value depends on sequences or on the state: what an unplaced instruction computes.
void settle_roles(Program& program);

}  // namespace tempo
