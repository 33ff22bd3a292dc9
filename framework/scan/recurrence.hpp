// SPDX-License-Identifier: Apache-2.0
// A traced step that runs over time: its Program in three forms and its gradients, each made once.
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
/// A value of the forward Program, kept at every step.
struct KeptValue {
  ValueId value;
};
/// The sum of the incoming gradients of these results of the forward Program.
struct IncomingGradient {
  std::vector<std::size_t> results;
};
/// Zeros of the type of this forward input: no gradient comes in at its last state.
struct ZeroGradient {
  std::size_t input;
};
/// A value from outside of the forward Program.
struct OutsideValue {
  Ref<Value> value;
};
/// The origin of an input of a gradient Program.
using GradientSource =
    std::variant<ForwardInput, KeptValue, IncomingGradient, ZeroGradient, OutsideValue>;

struct GradientProgram {
  RecurrenceRef recurrence;
  std::vector<GradientSource> sources;                // one for each input of the gradient
  std::vector<std::optional<std::size_t>> result_of;  // for each forward input: its gradient
};

/// The gradients that are asked for.
struct GradientRequest {
  std::vector<bool> dy;      // for each result: whether a gradient comes in
  std::vector<bool> wanted;  // for each input: whether its gradient is wanted
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
  /// The form of which the gradient is built: products are split and merged.
  const Program& normalised() const { return normalised_; }
  const std::vector<Ref<Value>>& nodes() const { return nodes_; }
  /// The form after all passes, ready to run; in int8, weights of products are rounded (quantise).
  const Executable& optimised(bool in_int8 = false) const;
  /// The same for rows that end: without ended rows, and without the condition, which holds for
  /// every row that is computed. If rows cannot be left out, an ordinary run.
  const Executable& for_ending_rows(bool in_int8 = false) const;
  /// The index of the condition among the inputs, here or in the step of which this is the gradient
  /// (leaves_rows_alone); nothing if there is none.
  std::optional<std::size_t> condition() const { return condition_; }
  /// For a step as written that has a condition: which fixed inputs have a row for each sequence
  /// (fixed_by_row); else nothing.
  const std::optional<std::vector<bool>>& by_row() const;
  /// The same recurrence with these values of every step as further results.
  RecurrenceRef keeping(const ValueIds& values) const;
  /// The same as several recurrences, one after the other, if it has matrix states; else null.
  const std::shared_ptr<const RecurrenceParts>& in_parts() const;
  /// Whether it is applied in parts: it is, unless rows end.
  bool runs_in_parts() const { return !condition_ && in_parts(); }
  /// The gradient for a request; each is made once.
  const GradientProgram& gradient(const GradientRequest& request) const;
  /// The values of every step that the gradient for all results and inputs reads.
  const ValueIds& read_by_gradient() const;
  /// The request for the gradients of all results with respect to all inputs.
  GradientRequest of_all() const;

 private:
  Program normalised_;
  std::vector<Ref<Value>> nodes_;
  std::optional<std::size_t> condition_;
  std::optional<Program> as_written_;
  mutable Made<Executable, bool> optimised_, leaves_rows_out_;  // the key: whether in int8
  mutable Made<std::optional<std::vector<bool>>> by_row_;
  mutable Made<GradientProgram, GradientRequest> gradients_;
  mutable Made<ValueIds> read_by_gradient_;
  mutable Made<RecurrenceRef, ValueIds> keeping_;
  mutable Made<std::shared_ptr<const RecurrenceParts>> in_parts_;
};

/// The recurrence that an application of the op `scan` runs, from its attributes.
const TracedRecurrence& recurrence_of(const Attributes& attributes);

/// Makes the recurrence of a step as written; normalises it.
RecurrenceRef make_recurrence(Program as_written, std::vector<Ref<Value>> nodes);

/// Builds the gradient of a recurrence as one with time reversed. The forward Program keeps the
/// values `kept` of every step, whether the gradient reads them or not.
GradientProgram differentiate(const TracedRecurrence& forward, const GradientRequest& request,
                              const ValueIds& kept);

/// How an application treats rows that end. If it computes ended rows as well, its results are
/// valid at each step, whatever their axes are.
struct RowsOfRun {
  EndingRowsRef ending = {};        // null: every row has all steps
  bool computed = false;            // whether ended rows are computed
  std::vector<int64_t> whole = {};  // the inputs that such an application made
};

/// Applies a recurrence as one op; inputs are in the order of its Program.
std::vector<Ref<Value>> apply_recurrence(const RecurrenceRef& recurrence,
                                         std::vector<Ref<Value>> inputs, int64_t time,
                                         const RowsOfRun& rows = {});

}  // namespace tempo
