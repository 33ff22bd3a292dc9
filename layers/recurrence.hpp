// What recurrent layers share: a step run over time with masks, states and directions, and the
// layer that any cell makes with it.
#pragma once

#include <tempo/layers/units.hpp>
#include <tempo/shared.hpp>

namespace tempo TEMPO_HIDDEN {

/// The options of a recurrence, a part of every recurrent layer's.
inline void describe_recurrence(auto& option, auto& o) {
  option("return_sequences", o.return_sequences,
         "Whether to give the outputs of all steps, [batch, time, units], or of the last one.");
  option("return_state", o.return_state, "Whether to give the last state after the output.");
  option("go_backwards", o.go_backwards,
         "Whether to run from the last step to the first; the outputs then come in that order.");
  option("stateful", o.stateful,
         "Whether a call starts from the state that the one before it left; see reset_state.");
  option("zero_output_for_mask", o.zero_output_for_mask,
         "With return_sequences, whether the output of a masked step is 0; else, and for the last "
         "output alone, it is the one before it.");
  option("recompute", o.recompute,
         "Whether the gradient runs the steps again, segment by segment, in place of keeping what "
         "it reads of each: its memory grows with the square root of time (Chen et al., 2016).");
}

/// The options of the weights, a part of SimpleRNN's, LSTM's and GRU's.
inline void describe_recurrent_weights(auto& option, auto& o) {
  option("units", o.units, "Size of the output and of each state.", at_least(0));
  option("activation", o.activation, "Of the candidate and the output.");
  option("use_bias", o.use_bias, "Whether a bias is added.");
  option("kernel_initializer", o.kernel_initializer,
         "First values of kernel [features, gates * units], which reads the input.");
  option("recurrent_initializer", o.recurrent_initializer,
         "First values of recurrent_kernel [units, gates * units], which reads the state.");
  option("bias_initializer", o.bias_initializer, "First values of bias.");
}

/// z + bias, where there is a bias.
inline Tensor biased(const Tensor& z, const Tensor& bias) { return bias ? z + bias : z; }

namespace recurrence {

/// What one step sees of x [batch, time, features...]; it needs `rank` axes, or more if `free`.
inline Shape step_shape(const std::string& who, const Shape& x, int rank = 3, bool free = true) {
  if (x.rank() > rank && !free)
    throw ShapeError(who + ": needs [batch, time, features], got " + to_string(x) +
                     ".\n  reshape(x, {batch, time, -1}) makes one axis of the features.");
  if (x.rank() < rank)
    throw ShapeError(who + ": needs [batch, time, features], got " + to_string(x) +
                     ".\n  expand_dims(x, -1) makes a feature of each number, expand_dims(x, 0) a "
                     "batch of one sequence.");
  Shape step{x[0]};
  for (int axis = 2; axis < x.rank(); ++axis) step.push_back(x[axis]);
  return step;
}

inline const Tensor& only(const std::string& who, const Tensors& inputs) {
  if (inputs.size() != 1)
    throw ShapeError(who + ": takes one input, got " + std::to_string(inputs.size()) +
                     ".\n  States go into the call's options: {.initial_state = {h}}.");
  return inputs[0];
}

inline void check_mask(const std::string& who, const Tensor& mask, const Shape& x) {
  const Shape required{x[0], x[1]};
  if (mask.shape() != required || mask.dtype() != bool_)
    throw ShapeError(who + ": the mask does not fit the input\n  mask   " +
                     to_string(mask.shape(), mask.dtype()) + "\n  input  " + to_string(x) +
                     "\n  It must be " + to_string(required, bool_) +
                     ": [batch, time], true where a step counts.");
}

inline std::string listed(const Shapes& shapes) {
  std::string text;
  for (const Shape& s : shapes) text += (text.empty() ? "" : ", ") + to_string(s);
  return text;
}

inline void check_initial_state(const std::string& who, const State& given,
                                const Shapes& required) {
  Shapes shapes;
  for (const Tensor& t : given) shapes.push_back(t.shape());
  if (shapes != required)
    throw ShapeError(who + ": initial_state does not fit its states\n  given     " +
                     listed(shapes) + "\n  required  " + listed(required) +
                     "\n  Give one tensor for each state, in the order of return_state.");
}

/// a where the mask [batch, 1] holds, else b; both [batch, ...].
inline Tensor choose(const Tensor& mask, const Tensor& a, const Tensor& b) {
  if (a.rank() == 2) return where(mask, a, b);
  Shape aligned{mask.shape()[0]};
  while (aligned.rank() < a.rank()) aligned.push_back(1);
  return where(reshape(mask, aligned), a, b);
}

/// x with another step of its sequence, one that counts, at each masked one. What a step computes
/// there is thrown away; its gradient is 0 then only if what it read is an input like any other: 0
/// times NaN is NaN.
inline Tensor counted_alone(const Tensor& x, const Tensor& mask) {
  static const sdk::Op counted_steps("counted_steps");
  return counted_steps(x, mask, {{"borrow", true}});
}

}  // namespace recurrence

/// A step run over time, and the state it keeps between calls when it is stateful.
class Recurrence {
 public:
  Recurrence() = default;
  Recurrence(const Recurrence&) = delete;
  Recurrence& operator=(const Recurrence&) = delete;

  /// Runs step(x_t, state) over x [batch, time, ...]: the output and, with return_state, the last
  /// states. `states` are the shapes of the states for this batch; `who` is named in errors. Used
  /// in a layer's call; the step is a pure function of its arguments, of the layer's weights, of
  /// call.constants and of call.training, and is traced once for each type of arguments.
  template <class F, class Options>
  Tensors run(const std::string& who, F&& step, const Options& options, const Shapes& states,
              const Tensor& x, const CallOptions& call) {
    const OneAtATime::Turn turn(options.stateful ? &calls_ : nullptr);
    if (!turn)
      throw Error(who +
                  ": it is stateful, and another thread is in the middle of a call of it.\n  Give "
                  "each thread a layer of its own; copies of a Layer are the same layer.");
    const State first = first_state(who, options.stateful, states, x, call.initial_state);
    const ScanOptions order{.reverse = options.go_backwards,
                            .last_only = !options.return_sequences,
                            .recompute = options.recompute,
                            .step_id = call.training ? 2u : 1u,
                            .constants = call.constants};
    Scanned result;
    if (call.mask) {
      recurrence::check_mask(who, call.mask, x.shape());
      const bool zero_output = options.zero_output_for_mask && options.return_sequences;
      result = masked(step, zero_output, recurrence::counted_alone(x, call.mask), call.mask, first,
                      order);
    } else {
      result = scan(step, x, first, order);
    }
    if (options.stateful) keep(result.state);

    Tensors out{result.output};
    if (options.return_sequences) {  // in the order of processing, as Keras has it
      const auto ordered = [&](const Tensor& t) {
        return options.go_backwards ? reverse(t, 1) : t;
      };
      out[0] = ordered(out[0]);
      if (call.mask) out[0] = with_mask(out[0], ordered(call.mask));
    }
    if (options.return_state) out.insert(out.end(), result.state.begin(), result.state.end());
    return out;
  }

  void reset() { kept_.clear(); }

 private:
  State first_state(const std::string& who, bool stateful, const Shapes& states, const Tensor& x,
                    const State& given) const {
    if (!given.empty()) {
      recurrence::check_initial_state(who, given, states);
      return given;
    }
    if (stateful && !kept_.empty()) {
      if (kept_[0].shape()[0] != x.shape()[0])
        throw ShapeError(who + ": it is stateful and keeps the state of " +
                         std::to_string(kept_[0].shape()[0]) + " sequences; this batch has " +
                         std::to_string(x.shape()[0]) +
                         ".\n  Use batches of one size, or call reset_state() first.");
      return kept_;
    }
    State zero;
    const DType dtype = is_floating(x.dtype()) ? x.dtype() : DType::automatic;
    for (const Shape& s : states) zero.push_back(zeros(s, dtype));
    return zero;
  }

  // A masked step leaves the state as it was. Its output is 0 or the one before it, which is then
  // carried as one more state and starts as 0.
  template <class F>
  Scanned masked(F& step, bool zero_output, const Tensor& x, const Tensor& mask, State first,
                 const ScanOptions& order) {
    const auto n = static_cast<std::ptrdiff_t>(first.size());
    if (!zero_output) first.push_back(first_output(step, x, first));
    const auto masked_step = [&](const Tensors& now, const State& s) -> Step {
      const State before(s.begin(), s.begin() + n);
      Step next = step(now[0], before);
      if (next.state.size() != before.size()) return next;  // scan says so
      const Tensor other = zero_output ? scalar(0, next.output.dtype()) : s.back();
      next.output = recurrence::choose(now[1], next.output, other);
      for (std::size_t i = 0; i < before.size(); ++i)
        next.state[i] = recurrence::choose(now[1], next.state[i], before[i]);
      if (!zero_output) next.state.push_back(next.output);
      return next;
    };
    Scanned result = scan(masked_step, Tensors{x, expand_dims(mask, -1)}, first, order);
    result.state.erase(result.state.begin() + n, result.state.end());
    return result;
  }

  // Zeros of the shape of an output, which nothing but a step tells; one is run for the first call.
  template <class F>
  Tensor first_output(F& step, const Tensor& x, const State& state) {
    const Shape& output = output_.get([&] {
      const NoGradient off;
      const Tensor now = zeros(recurrence::step_shape("", x.shape(), 2), x.dtype());
      return step(now, state).output.shape().without_first();
    });
    return zeros(output.prepended(x.shape()[0]), state.empty() ? x.dtype() : state[0].dtype());
  }

  void keep(const State& last) {
    for (const Tensor& t : last)
      if (t.traced()) return;
    const NoGradient off;
    kept_.clear();
    for (const Tensor& t : last) kept_.push_back(stop_gradient(t));
  }

  State kept_;
  OneAtATime calls_;         // of a stateful one, whose calls go on from one another
  FoundOnce<Shape> output_;  // of one step, without the batch
};

/// The layer that a cell makes, with the cell's weights as its own ("lstm/kernel"). Its options are
/// the cell's and must hold those of a recurrence.
template <class CellClass>
class Recurrent : public LayerOf<typename CellClass::options_type> {
 public:
  using Options = typename CellClass::options_type;
  Recurrent(Options o = {}) : LayerOf<Options>(o), cell_(std::move(o)) {}

  void build(Weights& add, const Shape& input) { cell_.build(add, step_shape(input)); }

  Tensors call(const Tensors& inputs, const CallOptions& call) {
    const Tensor& x = recurrence::only(who(), inputs);
    if (!call.constants.empty())
      throw Error(who() + ": takes no constants; RNN hands them to the step of a cell.");
    step_shape(x.shape());
    const auto step = [&](const Tensor& now, const State& s) { return cell_.step(now, s); };
    const Shapes states = sdk::Trampolines<CellClass>::state_shapes(cell_, x.shape()[0]);
    return recurrence_.run(who(), step, this->options, states, x, call);
  }

  void reset_state() { recurrence_.reset(); }

 private:
  static std::string who() { return sdk::class_name<CellClass>(); }
  /// A cell whose states are [batch, units] reads [batch, features], nothing wider.
  static Shape step_shape(const Shape& x) {
    constexpr bool free = requires(const CellClass& c) { c.state_shapes(int64_t{1}); };
    return recurrence::step_shape(who(), x, 3, free);
  }

  CellClass cell_;
  Recurrence recurrence_;
};

}  // namespace tempo
