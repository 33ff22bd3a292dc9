// SPDX-License-Identifier: Apache-2.0
// An op is a value: name, type rule, kernel, vjp formulas and properties, defined in one statement.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <tempo/tensor.hpp>

#include "tensor/kernel.hpp"

namespace tempo {

struct Application;
struct MaskCall;

/// What a type rule sees: the inputs' types, the attributes and how many results were asked for.
struct TypeCall {
  std::span<const TensorType> inputs;
  const Attributes& attributes;
  std::size_t n_results;
};
/// The types of the results, or a ShapeError that says why there are none.
using TypeRule = std::function<std::vector<TensorType>(const TypeCall&)>;

/// What a vjp formula sees, as tensors: inputs a() b() c() x(i), results y(k), and the incoming
/// gradients dy(k), which are Tensor{} for results that nothing came back to.
class Vjp {
 public:
  Vjp(const Application& application, const Tensors& dy) : application_(application), dy_(dy) {}
  Tensor x(std::size_t i) const;
  Tensor a() const { return x(0); }
  Tensor b() const { return x(1); }
  Tensor c() const { return x(2); }
  Tensor y(std::size_t k = 0) const;
  const Tensor& dy(std::size_t k = 0) const { return dy_[k]; }
  std::size_t n_inputs() const;
  std::size_t n_results() const { return dy_.size(); }
  const Attributes& attributes() const;
  const Application& application() const { return application_; }

 private:
  const Application& application_;
  const Tensors& dy_;
};

/// The gradient to one input. It may have the shape that the input was broadcast to: the reverse
/// walk un-broadcasts.
using VjpRule = std::function<Tensor(const Vjp&)>;
/// The gradients to all inputs at once, for ops with any number of them; Tensor{} where none is
/// wanted or flows.
using VjpAllRule = std::function<Tensors(const Vjp&, const std::vector<bool>& wanted)>;

/// The mask of a result, or Tensor{}; asked for only if an input has a mask. graph/mask.hpp has
/// them.
using MaskRule = Tensor (*)(const MaskCall&);

/// What an op means when its inputs get one more leading axis.
enum class LeadingAxis {
  changes,    ///< something else: it must be applied part by part
  all,        ///< the same, part by part, if every input gets it
  broadcast,  ///< the same, also if only some inputs get it
};

}  // namespace tempo

struct tempo_op {
  std::string name;
  tempo::TypeRule type;
  /// Empty: the one result has the bytes of the first input, under its own shape.
  tempo::Kernel kernel = {};
  /// One rule for each input; an empty rule or a missing one lets no gradient through.
  std::vector<tempo::VjpRule> vjp = {};
  tempo::VjpAllRule vjp_all = {};
  /// Each result element depends only on the elements of the (broadcast) inputs at its place.
  bool pointwise = false;
  tempo::LeadingAxis leading_axis = tempo::LeadingAxis::changes;
  /// It computes nothing, it puts the elements elsewhere: not worth a place outside of a loop.
  bool rearranges = false;
  /// It is a loop of its own, which needs memory for all its steps: it stays inside of a loop,
  /// where it runs for one step after the other.
  bool loops = false;
  /// Whether this call should be deferred (`defer`): expensive, and too narrow to fill the threads,
  /// so it may run beside independent work. Empty: never.
  bool (*deferred)(const tempo::Attributes& attributes) = nullptr;
  /// Of a sum of inputs it makes the sum of the results.
  bool linear = false;
  /// To compute an element of it costs no more than to fetch one from memory: a gradient makes it
  /// again instead of keeping it.
  bool cheap = false;
  /// Adds to the output the sum of the results over a leading axis that all inputs were given, in
  /// one go; empty: it has no such form. What a gradient's "sum over time" becomes.
  tempo::Kernel summed = {};
  /// Its kernel may refuse the numbers that it is given: a step of a stream runs it before it
  /// writes a state.
  bool refuses = false;
  /// How the masks of its inputs become those of its results. Empty: a pointwise op's as
  /// `masks::elementwise` has it; the results of another op are not masked.
  tempo::MaskRule mask = nullptr;

  bool differentiable() const { return !vjp.empty() || vjp_all; }
};

namespace tempo {

using OpDefinition = ::tempo_op;

/// Registers an op for the life of the process; a name that is taken is an Error.
const OpDefinition& define(OpDefinition op);
/// Room for an op that other files name: its address is known before it is defined.
union OpRoom {
  constexpr OpRoom() : nothing() {}
  ~OpRoom() {}  // the op stays
  char nothing;
  OpDefinition op;  // for the life of the process
};
/// Registers an op in the room that `known`, of ops/known.hpp, refers to.
const OpDefinition& define(const OpDefinition& known, OpDefinition op);
/// The op of that name, or null.
const OpDefinition* find_op(const std::string& name);
/// All of them, sorted by name.
std::vector<const OpDefinition*> all_ops();

}  // namespace tempo
