// A Program: one step of a recurrence as instructions on values, in three sections. What scan's
// step is traced into, what the passes rewrite, and what the executor runs.
#pragma once

#include "graph/value.hpp"

#include <string>
#include <vector>

namespace tempo {

/// Where a value of a Program stands in time.
enum class Standing {
  fixed,     ///< the same at every step: weights, captures, what is computed from them alone
  sequence,  ///< one for each step
  carried,   ///< the state: its value before the step
};

struct ProgramValue {
  Standing standing;
  TensorType type;           // of one step
  std::string name;          // of an input; else ""
  bool batch_first = false;  // a sequence that the caller holds as [batch, time, ...]
};

/// One op on values, which are positions in Program::values.
struct Instruction {
  const OpDefinition* op;
  Attributes attributes;
  std::vector<int> inputs, outputs;
  bool summed = false;  // its output is the sum over time of what it computes at each step
};

struct ProgramResult {
  enum Kind { sequence, last, sum } kind;
  int value;
  bool batch_first = false;  // a sequence that the caller gets as [batch, time, ...]
  friend bool operator==(const ProgramResult&, const ProgramResult&) = default;
};

/// Inputs come in the order fixed, sequences, carried (initial values).
struct Program {
  std::vector<ProgramValue> values;
  std::vector<int> fixed, sequences, carried;
  std::vector<int> next;  // of each carried value: what it is at the next step
  std::vector<Instruction> before, loop, after;
  std::vector<ProgramResult> results;
  bool reverse = false;  // time runs from the last step to the first

  std::size_t n_inputs() const { return fixed.size() + sequences.size() + carried.size(); }
  /// The value that is input i.
  int input(std::size_t i) const;
};

/// The Program as text: what explain prints and the tests of passes compare.
std::string to_string(const Program& program);
/// All that decides what a Program computes, as a text without loss: the key of the cache.
std::string key_of(const Program& program);

}  // namespace tempo
