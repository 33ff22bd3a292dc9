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

/// The arguments of a type rule: the types of inputs, attributes, and the number of results.
struct TypeCall {
  std::span<const TensorType> inputs;
  const Attributes& attributes;
  std::size_t n_results;
};
/// Returns the types of the results, or throws a ShapeError that says why there are none.
using TypeRule = std::function<std::vector<TensorType>(const TypeCall&)>;

/// The tensors that a vjp formula reads: inputs a() b() c() x(i), results y(k), and incoming
/// gradients dy(k), which are Tensor{} for results that no gradient came back to.
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

/// The gradient of one input. It may have the shape to which the input was broadcast: the reverse
/// walk un-broadcasts it.
using VjpRule = std::function<Tensor(const Vjp&)>;
/// The gradients of all inputs at once, for ops with any number of them; Tensor{} for a gradient
/// that is not wanted or does not flow.
using VjpAllRule = std::function<Tensors(const Vjp&, const std::vector<bool>& wanted)>;

/// The mask of a result, or Tensor{}. It is called only if an input has a mask. The rules are in
/// graph/mask.hpp.
using MaskRule = Tensor (*)(const MaskCall&);

/// The meaning of an op whose inputs get one more leading axis.
enum class LeadingAxis {
  changes,    ///< it changes: the op must be applied part by part
  all,        ///< it is the same, part by part, if every input gets the axis
  broadcast,  ///< it is the same, even if only some inputs get the axis
};

}  // namespace tempo

struct tempo_op {
  std::string name;
  tempo::TypeRule type;
  /// Empty: the only result has the bytes of the first input, in its own shape.
  tempo::Kernel kernel = {};
  /// One rule for each input. A missing or empty rule stops the gradient.
  std::vector<tempo::VjpRule> vjp = {};
  tempo::VjpAllRule vjp_all = {};
  /// Each element of a result depends only on the elements of the (broadcast) inputs at its place.
  bool pointwise = false;
  tempo::LeadingAxis leading_axis = tempo::LeadingAxis::changes;
  /// It only moves elements: it is not worth storing its operands to run it outside of a loop.
  bool rearranges = false;
  /// It is a loop itself and needs memory for all its steps: it stays inside of an outer loop,
  /// where it runs for one step at a time.
  bool loops = false;
  /// Whether this call should be deferred (`defer`): expensive, and too narrow to fill the threads,
  /// so it may run beside independent work. Empty: never.
  bool (*deferred)(const tempo::Attributes& attributes) = nullptr;
  /// Applied to a sum of inputs, it gives the sum of the results.
  bool linear = false;
  /// Computing an element costs no more than loading one from memory: a gradient recomputes the
  /// result instead of keeping it.
  bool cheap = false;
  /// Adds to the output the sum of the results over a leading axis that all inputs were given, in
  /// one go; gradients use it for sums over time. Empty: it has no such form.
  tempo::Kernel summed = {};
  /// Its kernel may refuse the numbers that it is given: a stream runs it before it writes a
  /// state.
  bool refuses = false;
  /// The rule for the masks of its results. Empty: `masks::elementwise` for a pointwise op, and no
  /// masks for the results of any other op.
  tempo::MaskRule mask = nullptr;

  bool differentiable() const { return !vjp.empty() || vjp_all; }
};

namespace tempo {

using OpDefinition = ::tempo_op;

/// Registers an op for the life of the process; an Error if the name is taken.
const OpDefinition& define(OpDefinition op);
/// Storage for an op that other files name: its address is known before the op is defined.
union OpRoom {
  constexpr OpRoom() : nothing() {}
  ~OpRoom() {}  // the op is never destroyed
  char nothing;
  OpDefinition op;  // for the life of the process
};
/// Registers an op in the storage to which `known`, of ops/known.hpp, refers.
const OpDefinition& define(const OpDefinition& known, OpDefinition op);
/// The op of this name, or null.
const OpDefinition* find_op(const std::string& name);
/// All ops, sorted by name.
std::vector<const OpDefinition*> all_ops();

}  // namespace tempo
