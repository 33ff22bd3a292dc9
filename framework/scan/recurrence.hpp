// SPDX-License-Identifier: Apache-2.0
// A traced step that runs over time: its Program in three forms, and its gradients, each made once.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "program/executable.hpp"
#include "tensor/made.hpp"

namespace tempo {

class TracedRecurrence;
using RecurrenceRef = std::shared_ptr<const TracedRecurrence>;
struct RecurrenceParts;  // scan/parts/parts.hpp

/// An input of the forward Program.
struct ForwardInput {
  std::size_t index;
};
/// A value of the forward Program, of every step.
struct KeptValue {
  ValueId value;
};
/// The sum of the gradients that come in at these results of the forward Program.
struct IncomingGradient {
  std::vector<std::size_t> results;
};
/// Zeros of the type of this input of the forward Program: nothing came in at a last state.
struct ZeroGradient {
  std::size_t input;
};
/// A value that is not of the forward Program.
struct OutsideValue {
  Ref<Value> value;
};
/// Where an input of a gradient Program comes from.
using GradientSource =
    std::variant<ForwardInput, KeptValue, IncomingGradient, ZeroGradient, OutsideValue>;

struct GradientProgram {
  RecurrenceRef recurrence;
  std::vector<GradientSource> sources;                // one for each of its inputs
  std::vector<std::optional<std::size_t>> result_of;  // of each forward input: its gradient
};

/// Which gradients are asked for.
struct GradientRequest {
  std::vector<bool> dy;      // of each result: whether one comes in
  std::vector<bool> wanted;  // of each input: whether its gradient is asked for
  friend auto operator<=>(const GradientRequest&, const GradientRequest&) = default;
};

class TracedRecurrence : public std::enable_shared_from_this<TracedRecurrence> {
 public:
  TracedRecurrence(Program normalised, std::vector<Ref<Value>> nodes,
                   std::optional<std::size_t> condition = {},
                   std::optional<Program> as_written = {})
      : normalised_(std::move(normalised)),
        nodes_(std::move(nodes)),
        condition_(condition),
        as_written_(std::move(as_written)) {}

  /// The step as its author wrote it.
  const Program& as_written() const { return as_written_ ? *as_written_ : normalised_; }
  /// The step whose gradient is built: products are split and merged.
  const Program& normalised() const { return normalised_; }
  const std::vector<Ref<Value>>& nodes() const { return nodes_; }
  /// After all passes, ready to run; in int8, products with weights are rounded (quantise).
  const Executable& optimised(bool in_int8 = false) const;
  /// The same for rows that end: without what has ended and without the condition, which holds
  /// wherever a row is computed; or, where rows cannot be left out, as ever.
  const Executable& for_ending_rows(bool in_int8 = false) const;
  /// Where the condition that leaves rows alone stands among the inputs (leaves_rows_alone), here
  /// or in the step that this is a gradient of; or nothing.
  std::optional<std::size_t> condition() const { return condition_; }
  /// Of a step as its author wrote it that has a condition: its fixed inputs by row (fixed_by_row),
  /// or nothing.
  const std::optional<std::vector<bool>>& by_row() const;
  /// The same with these values of every step as further results.
  RecurrenceRef keeping(const ValueIds& values) const;
  /// The same as one recurrence after the other, if it has matrix states; or null.
  const std::shared_ptr<const RecurrenceParts>& in_parts() const;
  /// Whether it is applied so: it is, unless rows end.
  bool runs_in_parts() const { return !condition_ && in_parts(); }
  /// The gradient for a request; made once.
  const GradientProgram& gradient(const GradientRequest& request) const;
  /// The values that the gradient for all results and all inputs reads of every step.
  const ValueIds& read_by_gradient() const;
  /// For all results and all inputs.
  GradientRequest of_all() const;

 private:
  Program normalised_;
  std::vector<Ref<Value>> nodes_;
  std::optional<std::size_t> condition_;
  std::optional<Program> as_written_;
  mutable Made<Executable, bool> optimised_, leaves_rows_out_;  // whether in int8
  mutable Made<std::optional<std::vector<bool>>> by_row_;
  mutable Made<GradientProgram, GradientRequest> gradients_;
  mutable Made<ValueIds> read_by_gradient_;
  mutable Made<RecurrenceRef, ValueIds> keeping_;
  mutable Made<std::shared_ptr<const RecurrenceParts>> in_parts_;
};

/// The recurrence that an application of the op scan runs, from its attributes.
const TracedRecurrence& recurrence_of(const Attributes& attributes);

/// Of a step as written; normalises it.
RecurrenceRef make_recurrence(Program as_written, std::vector<Ref<Value>> nodes);

/// Builds the gradient of a recurrence as one with time reversed. The values `kept` of the forward
/// Program are there for every step, whether the gradient reads them or not.
GradientProgram differentiate(const TracedRecurrence& forward, const GradientRequest& request,
                              const ValueIds& kept);

/// How an application takes rows that end. If it computes ended rows as well, its results mean
/// something at each step, whatever their axes are.
struct RowsOfRun {
  EndingRowsRef ending = {};        // null: all rows have all steps
  bool computed = false;            // whether rows that have ended are computed, too
  std::vector<int64_t> whole = {};  // the inputs that another such application made
};

/// Applies a recurrence as one op; inputs in the order of its Program.
std::vector<Ref<Value>> apply_recurrence(const RecurrenceRef& recurrence,
                                         std::vector<Ref<Value>> inputs, int64_t time,
                                         const RowsOfRun& rows = {});

}  // namespace tempo
