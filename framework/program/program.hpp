// SPDX-License-Identifier: Apache-2.0
// A Program: one step of a recurrence as instructions on values, in three sections. A traced step
// becomes one, the passes rewrite it, and the executor runs it.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "graph/value.hpp"

namespace tempo {

/// A value of a Program, by its index in Program::values. Passes never change these numbers.
struct ValueId {
  int32_t index;
  std::size_t position() const { return static_cast<std::size_t>(index); }
  friend auto operator<=>(const ValueId&, const ValueId&) = default;
};
using ValueIds = std::vector<ValueId>;

/// The role of a value in time.
enum class Role {
  fixed,     ///< the same at every step: weights, captures, and values computed from them alone
  sequence,  ///< one for each step
  carried,   ///< the state: its value before the step
};

/// Names of inputs of a gradient: values that a forward run kept, and gradients of its results.
inline constexpr const char *kept_name = "kept", *dkept_name = "dkept", *dy_name = "dy",
                            *dstate_name = "dstate", *dy_last_name = "dy_last";

struct ProgramValue {
  Role role;
  TensorType type;           // of one step
  std::string name;          // of an input; else ""
  bool batch_first = false;  // a sequence that the caller holds as [batch, time, ...]
};

/// One op on values.
struct Instruction {
  const OpDefinition* op;
  Attributes attributes;
  ValueIds inputs, outputs;
  bool summed = false;  // whether its output is the sum over time of its results at each step

  bool is(const OpDefinition& other) const { return op == &other; }
  bool is_set(const char* flag) const { return attributes.integer(flag, 0) != 0; }
  bool reads(ValueId v) const { return std::find(inputs.begin(), inputs.end(), v) != inputs.end(); }
};

/// The place of an instruction. The sections run in this order.
enum class Section { before, loop, after };
inline constexpr std::array all_sections{Section::before, Section::loop, Section::after};

/// An instruction of a Program that no pass will change any more.
struct InstructionId {
  Section section;
  std::size_t index;
};

struct ProgramResult {
  enum Kind { sequence, last, sum } kind;
  ValueId value;
  bool batch_first = false;  // a sequence that the caller receives as [batch, time, ...]
  friend bool operator==(const ProgramResult&, const ProgramResult&) = default;
};

/// Inputs are ordered: fixed values, sequences, and the initial values of carried ones.
struct Program {
  std::vector<ProgramValue> values;
  ValueIds fixed, sequences, carried;
  ValueIds next;  // for each carried value: its value at the next step
  std::vector<Instruction> before, loop, after;
  std::vector<ProgramResult> results;
  bool reverse = false;  // time runs from the last step to the first

  ProgramValue& operator[](ValueId v) { return values[checked(v)]; }
  const ProgramValue& operator[](ValueId v) const { return values[checked(v)]; }
  const TensorType& type(ValueId v) const { return (*this)[v].type; }
  const Shape& shape(ValueId v) const { return (*this)[v].type.shape; }
  bool is_fixed(ValueId v) const { return (*this)[v].role == Role::fixed; }
  bool is_sequence(ValueId v) const { return (*this)[v].role == Role::sequence; }
  bool is_state(ValueId v) const { return (*this)[v].role == Role::carried; }
  /// Whether the results of an instruction are the same at every step.
  bool is_fixed(const Instruction& i) const { return is_fixed(i.outputs[0]); }

  const std::vector<Instruction>& section(Section s) const {
    return s == Section::before ? before : s == Section::loop ? loop : after;
  }
  const Instruction& operator[](InstructionId i) const { return section(i.section)[i.index]; }

  /// Adds a value that is an input, or that an instruction will make.
  ValueId add_value(Role role, TensorType type, std::string name = "");

  std::size_t n_inputs() const { return fixed.size() + sequences.size() + carried.size(); }
  /// The value that is input i.
  ValueId input(std::size_t i) const;
  /// The index of the first carried value among the inputs.
  std::size_t first_state() const { return fixed.size() + sequences.size(); }

 private:
  std::size_t checked(ValueId v) const {
    assert(v.position() < values.size());
    return v.position();
  }
};

/// The extents of a value as a matrix: its last axis, and all other axes together.
inline int64_t cols_of(const Shape& s) { return s.rank() ? s.back() : 1; }
inline int64_t rows_of(const Shape& s) { return cols_of(s) ? s.count() / cols_of(s) : 0; }

/// The types of a Program's results over this many steps.
std::vector<TensorType> result_types(const Program& program, int64_t time);

/// "%7"
std::string to_string(ValueId value);
/// The Program as text, for explain and for the tests of passes.
std::string to_string(const Program& program);
/// Everything that decides what a Program computes, as a lossless text: the key of the cache.
std::string key_of(const Program& program);

}  // namespace tempo

template <>
struct std::hash<tempo::ValueId> {
  std::size_t operator()(tempo::ValueId v) const { return std::hash<int32_t>{}(v.index); }
};
