// SPDX-License-Identifier: Apache-2.0
// Finds which form a cell class has, and runs all forms alike.
#pragma once

#include <string_view>

#include <tempo/option.hpp>

namespace tempo TEMPO_HIDDEN {
namespace sdk {

inline std::vector<Shape> shapes_of(std::span<const tempo_type> types) {
  std::vector<Shape> out;
  for (const tempo_type& type : types) out.push_back(shape_of(type));
  return out;
}
inline std::vector<Shape> shapes_of(const tempo_inputs& inputs) {
  return shapes_of(std::span(inputs.types, inputs.count));
}

/// The name of a class as written, without namespaces and without a final "Cell" or "Layer".
template <class L>
std::string class_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text = text.substr(text.find("L = ") + 4);
  text = text.substr(0, text.find_first_of(";]"));
  if (const std::size_t at = text.find('<'); at != text.npos) text = text.substr(0, at);
  if (const std::size_t at = text.rfind(':'); at != text.npos) text = text.substr(at + 1);
  for (const std::string_view end : {std::string_view("Cell"), std::string_view("Layer")})
    if (text.size() > end.size() && text.ends_with(end)) text.remove_suffix(end.size());
  return std::string(text);
}

/// Runs a cell class, whichever form it has.
template <class C>
struct CellForm {
  static constexpr bool several =
      requires(const C& c, const Tensors& x, const State& s, const StepCall& call) {
    c.step(x, s, call);
  }
  || requires(const C& c, const Tensors& x, const State& s) { c.step(x, s); };
  static constexpr bool sees_call =
      requires(const C& c, const Tensors& x, const State& s, const StepCall& call) {
    c.step(x, s, call);
  }
  || requires(const C& c, const Tensor& x, const State& s, const StepCall& call) {
    c.step(x, s, call);
  };
  static constexpr bool one = requires(const C& c, const Tensor& x, const State& s) {
    c.step(x, s);
  };
  static_assert(several || sees_call || one,
                "a step is Step step(const Tensor& x, const State& s) const, or with `const "
                "Tensors& x`, or with `const StepCall& call` as a third argument");
  static_assert(!several || C::sequence_count != 1,
                "a step of several sequences needs `static constexpr int sequence_count = 2`, or "
                "how many it takes; 0 for any number");

  /// The number of axes that each sequence has at one step, 2 for [batch, features]; 0 if the cell
  /// does not say.
  static constexpr int step_rank = [] {
    if constexpr (requires { C::step_rank; })
      return C::step_rank;
    else
      return 0;
  }();
  /// The names of its sequences, for errors: "{x, gap}".
  static std::string sequences() {
    if constexpr (requires { C::sequences; }) return C::sequences;
    std::string names;
    for (int i = 0; i < C::sequence_count; ++i) names += (i ? ", x" : "x") + std::to_string(i);
    return "{" + names + "}";
  }

  static void require_sequences(std::size_t given) {
    constexpr auto wanted = static_cast<std::size_t>(several ? C::sequence_count : 1);
    if (wanted == given || wanted == 0) return;
    throw ShapeError(class_name<C>() + ": its step takes " + std::to_string(wanted) +
                     (wanted == 1 ? " sequence, got " : " sequences, got ") +
                     std::to_string(given) +
                     (wanted == 1 ? ".\n  A step with `const Tensors& x` takes several; states go "
                                    "into the call's options: {.initial_state = {h}}."
                                  : ".\n  Give them all, in order: rnn(" + sequences() + ")."));
  }
  /// Checks also that their shapes at one step have as many axes as the cell reads.
  static void require_steps(const Shapes& steps) {
    require_sequences(steps.size());
    for (std::size_t i = 0; step_rank > 0 && i < steps.size(); ++i)
      if (steps[i].rank() != step_rank)
        throw ShapeError(class_name<C>() + ": a step of " +
                         (several ? "sequence " + std::to_string(i) + " of " + sequences() : "x") +
                         " is " + to_string(steps[i]) + "; it must be [batch, features" +
                         (step_rank > 2 ? ", ...]." : "].") +
                         "\n  Over time that is [batch, time, features].");
  }

  static Step step(const C& cell, const Tensors& x, const State& s, const StepCall& call) {
    if constexpr (step_rank > 0) {
      Shapes steps;
      for (const Tensor& t : x) steps.push_back(t.shape());
      require_steps(steps);
    } else {
      require_sequences(x.size());
    }
    if constexpr (several && sees_call)
      return cell.step(x, s, call);
    else if constexpr (several)
      return cell.step(x, s);
    else if constexpr (sees_call)
      return cell.step(x[0], s, call);
    else
      return cell.step(x[0], s);
  }

  static Shapes state_shapes(const C& cell, const Shapes& inputs) {
    if constexpr (requires { cell.state_shapes(inputs); })
      return cell.state_shapes(inputs);
    else if constexpr (requires { cell.state_shapes(int64_t{1}); })
      return cell.state_shapes(inputs.at(0)[0]);
    else if constexpr (requires { cell.options.units; })
      return Shapes(static_cast<std::size_t>(C::state_count),
                    Shape{inputs.at(0)[0], cell.options.units});
    else {
      static_assert(C::state_count == 0,
                    "a cell needs options.units, or Shapes state_shapes(int64_t batch) const");
      return {};
    }
  }

  static constexpr bool has_initial = requires(const C& c, const StepCall& call) {
    c.initial(call);
  };
  static State initial(const C& cell, const StepCall& call) {
    const Shapes shapes = state_shapes(cell, call.inputs);
    State given;
    if constexpr (has_initial) {
      given = cell.initial(call);
      if (given.size() != shapes.size())
        throw ShapeError(class_name<C>() + ": its `initial` gives " + std::to_string(given.size()) +
                         " states, and it has " + std::to_string(shapes.size()) +
                         ".\n  Give one for each, in order; Tensor{} stands for zeros.");
    } else {
      given.resize(shapes.size());
    }
    for (std::size_t i = 0; i < shapes.size(); ++i)
      given[i] = given[i] ? of_shape(given[i], shapes[i], i) : zeros(shapes[i], call.dtype);
    return given;
  }

  static constexpr bool has_once = requires(const C& c, const StepCall& call) { c.once(call); };
  static Tensors once(const C& cell, const StepCall& call) {
    if constexpr (has_once) {
      const Tensors made = cell.once(call);
      for (std::size_t i = 0; i < made.size(); ++i)
        if (!made[i])
          throw Error(class_name<C>() + ": its `once` gives no value (Tensor{}) as number " +
                      std::to_string(i) + ".\n  Leave it out, or give zeros.");
      return made;
    } else {
      return {};
    }
  }

  /// Whether the cell reads the constants of a call. One that sees its call for other things only
  /// declares `static constexpr bool takes_constants = false`.
  static constexpr bool takes_constants = [] {
    if constexpr (requires { C::takes_constants; })
      return C::takes_constants;
    else
      return sees_call || has_initial;
  }();

  /// The call as the cell sees it; the error for what is not there says how to provide it.
  static StepCall seen(bool training, Tensors constants, Tensors once) {
    if constexpr (!takes_constants && !has_once) return {.training = training};
    static const std::string& who = *new std::string(class_name<C>());  // lives with the process
    return {.training = training,
            .constants = Given(std::move(constants), who, "constants",
                               "Give them to the call, rnn(x, {.constants = {c}}); Stream, "
                               "explain and gradcheck take them in their options."),
            .once = Given(std::move(once), who, "once", "It is what the cell's `once` returns.")};
  }

 private:
  static Tensor of_shape(const Tensor& state, const Shape& shape, std::size_t i) {
    const Shape given = state.shape();
    bool fits = given.rank() <= shape.rank();
    for (int axis = 1; fits && axis <= given.rank(); ++axis)
      fits = given[-axis] == 1 || given[-axis] == shape[-axis];
    if (!fits)
      throw ShapeError(class_name<C>() + ": its `initial` gives state " + std::to_string(i) +
                       " as " + to_string(given) + "; it must be " + to_string(shape) +
                       ", or broadcast to it.");
    return given == shape ? state : broadcast_to(state, shape);
  }
};

}  // namespace sdk
}  // namespace tempo
