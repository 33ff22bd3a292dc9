// SPDX-License-Identifier: Apache-2.0
// The common part of recurrent layers: runs a step over time, with masks, states and directions;
// and makes a layer of any cell.
#pragma once

#include <tempo/layers/recurrence_checks.hpp>
#include <tempo/layers/recurrence_options.hpp>
#include <tempo/layers/units.hpp>
#include <tempo/shared.hpp>

namespace tempo TEMPO_HIDDEN {

/// z + bias, if there is a bias.
inline Tensor biased(const Tensor& z, const Tensor& bias) { return bias ? z + bias : z; }

namespace recurrence {

inline constexpr const char* not_pure =
    ": the step of its cell returned a state as its output at one call, and another value at the "
    "next.\n  A step must be a pure function of its arguments, of the cell's weights and options "
    "and of call.training.";

/// a where the mask [batch, 1] is true, else b; both [batch, ...].
inline Tensor choose(const Tensor& mask, const Tensor& a, const Tensor& b) {
  if (a.rank() == 2) return where(mask, a, b);
  Shape aligned{mask.shape()[0]};
  while (aligned.rank() < a.rank()) aligned.push_back(1);
  return where(reshape(mask, aligned), a, b);
}

/// x with each masked step replaced by a step of its sequence that counts. The result of a masked
/// step is thrown away, but its gradient is 0 only if its input is an ordinary one: 0 times NaN is
/// NaN.
inline Tensor counted_alone(const Tensor& x, const Tensor& mask) {
  static const sdk::Op counted_steps("counted_steps");
  return counted_steps(x, mask, {{"borrow", true}});
}

/// The number of steps up to the last one that counts in any sequence; later ones need not be
/// computed. At least 1, and all of them while a step is traced.
inline int64_t counted_steps(const Tensor& mask) {
  const int64_t batch = mask.shape()[0], time = mask.shape()[1];
  if (mask.traced()) return time;
  const bool* const counts = mask.data<bool>();
  int64_t last = std::min<int64_t>(1, time);
  for (int64_t row = 0; row < batch; ++row)
    for (int64_t t = time; t > last; --t)
      if (counts[row * time + t - 1]) last = t;
  return last;
}

/// Which rows [batch, 1] have a step that counts; Tensor{} if all have, or it is not known yet.
inline Tensor rows_that_count(const Tensor& mask) {
  if (mask.traced()) return {};
  const int64_t batch = mask.shape()[0], time = mask.shape()[1];
  const bool* const counts = mask.data<bool>();
  std::vector<bool> any;
  for (const bool* row = counts; row != counts + batch * time; row += time)
    any.push_back(std::find(row, row + time, true) != row + time);
  if (std::find(any.begin(), any.end(), false) == any.end()) return {};
  return tensor(any, {batch, 1});
}

/// y; rows in which no step counts are those of `other`, of the same shape or one number.
inline Tensor with_rows(const Tensor& counting, const Tensor& y, const Tensor& other) {
  return counting ? choose(counting, y, other) : y;
}

/// The number of step ids that each Recurrence has for itself: a layer may run several.
inline constexpr uint32_t step_ids = 64;
inline uint32_t next_step_ids() {
  static Counter& taken = *new Counter(1);
  return static_cast<uint32_t>(taken.next()) * step_ids;
}

/// y [batch, steps, ...], extended to the steps of its mask: a masked step holds the value of the
/// one that was processed before it, or 0 if there is none.
inline Tensor held(const Tensor& y, const Tensor& mask, bool backwards) {
  static const sdk::Op held_steps("held_steps");
  return held_steps(y, mask, {{"reverse", backwards}});
}

/// Whether it runs from the last step to the first. Not every recurrence can.
inline bool go_backwards(const auto& options) {
  if constexpr (requires { options.go_backwards; })
    return options.go_backwards;
  else
    return false;
}

/// The gaps [batch, time, 1] since the last step that counts, for a run from the last step to the
/// first: each step gets the gap of the one after it, and the step that runs first gets that of the
/// first step of its sequence.
inline Tensor turned(const Tensor& gap, const Tensor& mask) {
  const int64_t time = gap.shape()[1];
  if (time == 0) return gap;
  const auto next = [&](const Tensor& t) {
    return concat({slice(t, 1, 1, time), slice(t, 1, 0, 1)}, 1);
  };
  if (!mask) return next(gap);
  const Tensor given = held(gap, mask, true), any = held(ones(gap.shape()), mask, true);
  return where(next(any) > 0, next(given), slice(given, 1, 0, 1));  // else none is left
}

}  // namespace recurrence

/// A cell in use, as a Recurrence runs it.
class CellInUse {
 public:
  explicit CellInUse(const Layer& cell) : cell_(cell) {}
  DType dtype() const { return static_cast<DType>(cell_.view().dtype); }
  Shapes state_shapes(const Shapes& inputs) const { return tempo::state_shapes(cell_, inputs); }
  State initial(const StepCall& call) const { return initial_state(cell_, call); }
  Tensors once(const StepCall& call) const { return tempo::once(cell_, call); }
  Step step(const Tensors& x, const State& s, const StepCall& call) const {
    return tempo::step(cell_, x, s, call);
  }
  static constexpr bool can_train(std::size_t) { return true; }

 private:
  const Layer& cell_;
};

/// A cell that is a part of its layer, as a Recurrence runs it.
template <class CellClass>
class OwnCell {
 public:
  using Form = sdk::CellForm<CellClass>;
  OwnCell(const CellClass& cell, DType dtype) : cell_(cell), dtype_(dtype) {}
  DType dtype() const { return dtype_; }
  Shapes state_shapes(const Shapes& inputs) const { return Form::state_shapes(cell_, inputs); }
  State initial(const StepCall& call) const { return Form::initial(cell_, call); }
  Tensors once(const StepCall& call) const { return Form::once(cell_, call); }
  Step step(const Tensors& x, const State& s, const StepCall& call) const {
    return Form::step(cell_, x, s, call);
  }
  /// Whether this state can begin as a weight. A cell in which only the first few can declares
  /// `static constexpr int trainable_states = 2`.
  static constexpr bool can_train(std::size_t state) {
    if constexpr (requires { CellClass::trainable_states; })
      return state < std::size_t{CellClass::trainable_states};
    else
      return true;
  }

 private:
  const CellClass& cell_;
  DType dtype_;
};

/// A cell run over time, and the state it keeps between calls when it is stateful.
class Recurrence {
 public:
  Recurrence() = default;
  Recurrence(const Recurrence&) = delete;
  Recurrence& operator=(const Recurrence&) = delete;

  /// Runs the cell over x, each [batch, time, ...]: the output and, with return_state, the last
  /// states. Errors name `who`; `seen` is the call as the cell sees it, without what this function
  /// adds. It runs in a layer's call. The step must be a pure function of its arguments, the
  /// layer's weights, the constants, the results of `once`, and call.training; it is traced once
  /// for each type of arguments.
  template <class C, class Options>
  Tensors run(const std::string& who, const C& cell, const Options& options, const Tensors& x,
              const CallOptions& call, StepCall seen) {
    const OneAtATime::Turn turn(options.stateful ? &calls_ : nullptr);
    if (!turn)
      throw Error(who +
                  ": it is stateful, and another thread is in the middle of a call of it.\n  Give "
                  "each thread a layer of its own; copies of a Layer are the same layer.");
    for (const Tensor& t : x) seen.inputs.push_back(recurrence::step_shape(who, t.shape(), 2));
    recurrence::check_together(who, x);
    seen.dtype = sdk::dtype_of_states(x, static_cast<tempo_dtype>(cell.dtype()));
    const Tensors made = cell.once(seen);
    seen.once.assign(made.begin(), made.end());
    const State first = first_state(who, cell, options.stateful, seen, call.initial_state);
    const auto step = [&](const Tensors& now, const State& s) { return cell.step(now, s, seen); };
    const bool backwards = recurrence::go_backwards(options);
    ScanOptions order{.reverse = backwards,
                      .last_only = !options.return_sequences,
                      .recompute = options.recompute,
                      .step_id = step_id(seen.constants.size()),
                      .constants = seen.constants};
    order.constants.insert(order.constants.end(), seen.once.begin(), seen.once.end());
    Scanned result;
    if (call.mask) {
      recurrence::check_mask(who, call.mask, x[0].shape());
      const int64_t time = call.mask.shape()[1], steps = recurrence::counted_steps(call.mask);
      const auto cut = [&](const Tensor& t) { return steps < time ? slice(t, 1, 0, steps) : t; };
      const Tensor mask = cut(call.mask);
      Tensors counted;
      for (const Tensor& t : x) counted.push_back(recurrence::counted_alone(cut(t), mask));
      // Outputs that hold are filled in afterwards, if all of them are there; a stream has one at a
      // time.
      const bool holds = options.return_sequences && !options.zero_output_for_mask,
                 all_there = !call.mask.traced() && !x[0].traced(), later = holds && all_there;
      MaskedOutput output;
      if (!options.return_sequences || (holds && !later))
        output = held_output(step, counted, first, seen, all_there);
      // A row in which no step counts runs with a state of 0, not its own: 0 times NaN is NaN.
      const Tensor rows = recurrence::rows_that_count(mask);
      State running;
      for (const Tensor& state : first)
        running.push_back(recurrence::with_rows(rows, state, scalar(0, state.dtype())));
      result = masked(who, step, output, std::move(counted), mask, running, order);
      for (std::size_t i = 0; rows && i < first.size(); ++i)
        result.state[i] = recurrence::with_rows(rows, result.state[i], first[i]);
      if (later)
        result.output = recurrence::held(result.output, call.mask, backwards);
      else if (options.return_sequences && steps < time)
        result.output = pad(result.output, 1, 0, time - steps);
      else if (output.state)
        result.output =
            recurrence::with_rows(rows, result.output, scalar(0, result.output.dtype()));
    } else {
      result = scan(step, x, first, order);
    }
    if (options.stateful) keep(result.state);

    Tensors out{result.output};
    if (options.return_sequences) {  // in the order of processing, as in Keras
      const auto ordered = [&](const Tensor& t) { return backwards ? reverse(t, 1) : t; };
      out[0] = ordered(out[0]);
      if (call.mask) out[0] = with_mask(out[0], ordered(call.mask));
    }
    if (options.return_state) out.insert(out.end(), result.state.begin(), result.state.end());
    return out;
  }

  void reset() { kept_.clear(); }

  /// With trainable_initial_state, adds a weight for each state of the cell that can be one; it
  /// begins as the cell's own first state. `steps` are the shapes of the sequences at one step.
  template <class C, class Options>
  void build(Weights& add, const C& cell, const Options& options, Shapes steps) {
    if constexpr (requires { options.trainable_initial_state; }) {
      if (!options.trainable_initial_state) return;
      for (Shape& step : steps) step[0] = 1;
      StepCall one;
      one.inputs = steps;
      one.dtype = add.dtype();
      first_.clear();
      for (const Tensor& state : cell.initial(one))
        if (const std::size_t i = first_.size(); cell.can_train(i))
          first_.push_back(add(("initial_state_" + std::to_string(i)).c_str(), state));
    }
  }

 private:
  // Values that are made once come after the constants, so the number of constants is part of a
  // step's id. It is 0 for too many constants: the step is then traced each time.
  uint32_t step_id(std::size_t constants) const {
    return constants < recurrence::step_ids ? first_step_id_ + static_cast<uint32_t>(constants) : 0;
  }

  template <class C>
  State first_state(const std::string& who, const C& cell, bool stateful, const StepCall& seen,
                    const State& given) const {
    if (!given.empty()) {
      recurrence::check_initial_state(who, given, cell.state_shapes(seen.inputs));
      return given;
    }
    if (!stateful || kept_.empty()) return own_first_state(cell, seen);
    if (kept_[0].shape()[0] != seen.batch())
      throw ShapeError(who + ": it is stateful and keeps the state of " +
                       std::to_string(kept_[0].shape()[0]) + " sequences; this batch has " +
                       std::to_string(seen.batch()) +
                       ".\n  Use batches of one size, or call reset_state() first.");
    return kept_;
  }

  template <class C>
  State own_first_state(const C& cell, const StepCall& seen) const {
    State first = cell.initial(seen);
    for (std::size_t i = 0; i < first_.size(); ++i) {
      Shape shape = first_[i].shape();
      shape[0] = seen.batch();
      first[i] = broadcast_to(first_[i], shape);
    }
    return first;
  }

  // The output of a masked step is 0; or the previous output, which starts as 0 and is carried as
  // one more state; or a state that is the output of each step.
  struct MaskedOutput {
    Tensor carried = {};
    std::optional<std::size_t> state = {};
  };

  // A masked step leaves the state unchanged.
  template <class F>
  Scanned masked(const std::string& who, F& step, const MaskedOutput& output, Tensors x,
                 const Tensor& mask, State first, const ScanOptions& order) {
    const auto n = static_cast<std::ptrdiff_t>(first.size());
    if (output.carried) first.push_back(output.carried);
    x.push_back(expand_dims(mask, -1));
    const auto masked_step = [&](const Tensors& now, const State& s) -> Step {
      const State before(s.begin(), s.begin() + n);
      Step next = step(Tensors(now.begin(), now.end() - 1), before);
      if (next.state.size() != before.size()) return next;  // scan says so
      const Tensor& counts = now.back();
      const std::optional<std::size_t> is_state = state_that_is_output(next);
      for (std::size_t i = 0; i < before.size(); ++i)
        next.state[i] = recurrence::choose(counts, next.state[i], before[i]);
      if (output.state) {
        if (is_state != output.state) throw Error(who + recurrence::not_pure);
        next.output = next.state[*is_state];
        return next;
      }
      next.output = recurrence::choose(counts, next.output,
                                       output.carried ? s.back() : scalar(0, next.output.dtype()));
      if (output.carried) next.state.push_back(next.output);
      return next;
    };
    Scanned result = scan(masked_step, x, first, order);
    result.state.erase(result.state.begin() + n, result.state.end());
    return result;
  }

  static std::optional<std::size_t> state_that_is_output(const Step& step) {
    for (std::size_t i = 0; i < step.state.size(); ++i)
      if (step.state[i].handle() == step.output.handle()) return i;
    return {};
  }

  // Only a step shows what its output is. The first call traces one, in a scan of no steps, which
  // draws no random numbers.
  template <class F>
  MaskedOutput held_output(F& step, const Tensors& x, const State& state, const StepCall& seen,
                           bool all_there) {
    const int64_t batch = x[0].shape()[0];
    Types types;  // of all that a step reads
    const auto read = [&](const Shape& shape, DType dtype) {
      const bool by_row = shape.rank() > 0 && shape[0] == batch;
      types.emplace_back(by_row ? shape.without_first().prepended(0) : shape, dtype);
    };
    for (const Tensor& t : x) read(recurrence::step_shape("", t.shape(), 2), t.dtype());
    const auto read_all = [&](const Tensors& all) {
      for (const Tensor& t : all) read(t.shape(), t.dtype());
    };
    read_all(state);
    read_all(seen.constants);
    read_all(seen.once);
    const auto find = [&] {
      const NoGradient off;
      Tensors none;
      for (const Tensor& t : x) {
        Shape shape = t.shape();
        shape[1] = 0;
        none.push_back(zeros(shape, t.dtype()));
      }
      State before;
      for (const Tensor& t : state) before.push_back(zeros(t.shape(), t.dtype()));
      std::optional<Output> found;
      const auto watched = [&](const Tensors& now, const State& s) {
        const Step made = step(now, s);
        found = Output{types, made.output.shape().without_first(), made.output.dtype(),
                       state_that_is_output(made)};
        return made;
      };
      (void)scan(watched, none, before);
      return found.value();
    };
    const Output& known = output_[seen.training].get(find);
    const Output mine = known.read == types ? known : find();
    if (all_there && mine.state) return {.state = mine.state};
    return {.carried = zeros(mine.shape.prepended(batch), mine.dtype)};
  }

  void keep(const State& last) {
    for (const Tensor& t : last)
      if (t.traced()) return;
    const NoGradient off;
    kept_.clear();
    for (const Tensor& t : last) kept_.push_back(stop_gradient(t));
  }

  using Types = std::vector<std::pair<Shape, DType>>;
  struct Output {
    Types read;   // by the step; 0 is the batch
    Shape shape;  // without the batch
    DType dtype;
    std::optional<std::size_t> state;  // the state that the output is, if any
  };
  State kept_, first_;
  OneAtATime calls_;             // if stateful, as each call goes on from the last
  FoundOnce<Output> output_[2];  // in inference, in training
  uint32_t first_step_id_ = recurrence::next_step_ids();
};

/// The layer that a cell makes, with the cell's weights as its own ("lstm/kernel"). Its options are
/// the cell's, which must include those of a recurrence.
template <class CellClass>
class Recurrent : public LayerOf<typename CellClass::options_type> {
 public:
  using Options = typename CellClass::options_type;
  Recurrent(Options o = {}) : LayerOf<Options>(o), cell_(std::move(o)) {}
  void keep_state(Kept& keep) {
    if constexpr (requires { cell_.keep_state(keep); }) cell_.keep_state(keep);
  }

  static constexpr bool takes_constants = sdk::CellForm<CellClass>::takes_constants;

  void build(Weights& add, const Shapes& inputs) {
    require_inputs(inputs.size());
    Shapes steps;
    for (std::size_t i = 0; i < inputs.size(); ++i) steps.push_back(step_shape(inputs[i], i));
    dtype_ = add.dtype();
    if constexpr (requires { cell_.build(add, steps); })
      cell_.build(add, steps);
    else if constexpr (requires { cell_.build(add, steps[0]); })
      cell_.build(add, steps[0]);
    recurrence_.build(add, OwnCell<CellClass>(cell_, dtype_), this->options, steps);
  }

  Tensors call(const Tensors& inputs, const CallOptions& call) {
    require_inputs(inputs.size());
    if (!takes_constants && !call.constants.empty())
      throw Error(who() + ": takes no constants; RNN hands them to the step of a cell.");
    for (std::size_t i = 0; i < inputs.size(); ++i) step_shape(inputs[i].shape(), i);
    Tensors x = inputs;
    if constexpr (requires { CellClass::gap_sequence; })
      if (const std::size_t gap = CellClass::gap_sequence;
          recurrence::go_backwards(this->options) && gap < x.size()) {
        recurrence::check_together(who(), x);
        if (call.mask) recurrence::check_mask(who(), call.mask, x[0].shape());
        x[gap] = recurrence::turned(x[gap], call.mask);
      }
    return recurrence_.run(who(), OwnCell<CellClass>(cell_, dtype_), this->options, x, call,
                           sdk::CellForm<CellClass>::seen(call.training, call.constants, {}));
  }

  void reset_state() { recurrence_.reset(); }

 private:
  static std::string who() { return sdk::class_name<CellClass>(); }
  static void require_inputs(std::size_t given) {
    if (CellClass::sequence_count == 1 && given != 1)
      throw ShapeError(who() + ": takes one input, got " + std::to_string(given) +
                       ".\n  States go into the call's options: {.initial_state = {h}}.");
    sdk::CellForm<CellClass>::require_sequences(given);
  }
  /// The shape of a step of sequence i. If the cell's states are [batch, units], or its step_rank
  /// says so, it reads [batch, features] and nothing wider.
  static Shape step_shape(const Shape& x, std::size_t i) {
    constexpr int rank = sdk::CellForm<CellClass>::step_rank;
    constexpr bool several = CellClass::sequence_count != 1;
    constexpr bool free = rank == 0 && (several || requires { &CellClass::state_shapes; });
    const std::string sequence = several ? ", sequence " + std::to_string(i) : "";
    return recurrence::step_shape(who() + sequence, x, rank > 0 ? rank + 1 : several ? 2 : 3, free);
  }

  CellClass cell_;
  DType dtype_ = DType::automatic;
  Recurrence recurrence_;
};

}  // namespace tempo
