// A step's Program with what belongs to it: its optimised form and its gradients, each made once.
#pragma once

#include "program/executable.hpp"
#include "tensor/made.hpp"

#include <memory>
#include <optional>
#include <variant>

namespace tempo {

class StepProgram;
using StepProgramRef = std::shared_ptr<const StepProgram>;

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
  StepProgramRef program;
  std::vector<GradientSource> sources;                // one for each input of the program
  std::vector<std::optional<std::size_t>> result_of;  // of each forward input: its gradient
};

/// Which gradients are asked for.
struct GradientRequest {
  std::vector<bool> dy;      // of each result: whether one comes in
  std::vector<bool> wanted;  // of each input: whether its gradient is asked for
  friend auto operator<=>(const GradientRequest&, const GradientRequest&) = default;
};

class StepProgram : public std::enable_shared_from_this<StepProgram> {
 public:
  StepProgram(Program raw, std::vector<Ref<Value>> nodes, std::optional<Program> traced = {})
      : raw_(std::move(raw)), nodes_(std::move(nodes)), traced_(std::move(traced)) {}

  /// The step as its author wrote it.
  const Program& traced() const { return traced_ ? *traced_ : raw_; }
  /// The step whose gradient is built: products are split and merged.
  const Program& raw() const { return raw_; }
  const std::vector<Ref<Value>>& nodes() const { return nodes_; }
  /// After all passes, ready to run.
  const Executable& optimised() const;
  /// The same with these values of every step as further results.
  StepProgramRef keeping(const ValueIds& values) const;
  /// The gradient for a request; made once.
  const GradientProgram& gradient(const GradientRequest& request) const;
  /// The values that the gradient for all results and all inputs reads of every step.
  const ValueIds& read_by_gradient() const;

 private:
  Program raw_;
  std::vector<Ref<Value>> nodes_;
  std::optional<Program> traced_;
  GradientRequest of_all() const;

  mutable Made<Executable> optimised_;
  mutable Made<GradientProgram, GradientRequest> gradients_;
  mutable Made<ValueIds> read_by_gradient_;
  mutable Made<StepProgramRef, ValueIds> keeping_;
};

/// Of a step as traced. Its products are split and merged first, so that they are in its gradient.
StepProgramRef step_program(Program traced, std::vector<Ref<Value>> nodes);

/// Builds the gradient of a Program as a Program with time reversed. The values `kept` of the
/// forward Program are had of every step, whether it reads them or not.
GradientProgram differentiate(const StepProgram& forward, const GradientRequest& request,
                              const ValueIds& kept);

/// Applies a Program as one op; inputs in its order.
std::vector<Ref<Value>> apply_program(const StepProgramRef& program, std::vector<Ref<Value>> inputs,
                                      int64_t time);

}  // namespace tempo
