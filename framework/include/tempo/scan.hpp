// SPDX-License-Identifier: Apache-2.0
// scan runs a step function over the time axis. Its meaning is the plain loop; its speed comes from
// tracing the step once into a Program.
#pragma once

#include <tempo/gradient.hpp>
#include <tempo/misspelt.hpp>

namespace tempo TEMPO_HIDDEN {

/// The state of a recurrence: its tensors, each [batch, ...].
class State : public Tensors {
 public:
  using Tensors::Tensors;
  State(const Tensors& tensors) : Tensors(tensors) {}

  const Tensor& operator[](std::size_t i) const {
    require(i);
    return Tensors::operator[](i);
  }
  Tensor& operator[](std::size_t i) {
    require(i);
    return Tensors::operator[](i);
  }

  /// `const auto& [h, c] = s.as<2>();`
  template <std::size_t N>
  std::array<Tensor, N> as() const {
    if (size() != N)
      throw ShapeError("State: it holds " + std::to_string(size()) + " tensors, read as " +
                       std::to_string(N) + ".");
    std::array<Tensor, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = (*this)[i];
    return out;
  }

 private:
  void require(std::size_t i) const {
    if (i >= size())
      throw Error("State: state " + std::to_string(i) + " is asked for; it holds " +
                  std::to_string(size()) +
                  ", counted from 0.\n  A cell has state_count states, or as many as its "
                  "state_shapes gives.");
  }
};

/// The result of one step: its output and the next state.
struct Step {
  Tensor output = {};
  State state = {};
};

struct ScanOptions {
  bool reverse = false;    ///< from the last step to the first; outputs stay at their own time
  bool last_only = false;  ///< the output of the last step processed instead of all of them
  bool plain = false;      ///< the plain loop over eager ops: the reference
  /// The gradient runs the steps again, in segments of about sqrt(time) steps, and does not keep
  /// the values that it reads of every step: less memory, for about half as much time again (Chen
  /// et al., 2016).
  bool recompute = false;
  /// If it is not 0, in a layer's call: the step is a pure function of its arguments, the layer's
  /// weights and `constants`, and is traced at the first call only. Different steps of one layer
  /// have different ids.
  uint32_t step_id = 0;
  Tensors constants = {};
};

/// The output [batch, time, ...] ([batch, ...] with last_only: 0 without steps), and last state.
struct Scanned {
  Tensor output = {};
  State state = {};
};

namespace sdk {

template <class F>
struct ScanStep {
  F& step;

  static tempo_status run(void* self, const tempo_step* given) noexcept {
    return guarded([&] {
      const uint32_t n_states = given->n_states;
      Tensors xs;
      State state;
      for (uint32_t i = 0; i < given->n_sequences; ++i)
        xs.push_back(Tensor::borrowed(given->sequences[i]));
      for (uint32_t i = 0; i < n_states; ++i) state.push_back(Tensor::borrowed(given->states[i]));
      const Step done = static_cast<ScanStep*>(self)->step(xs, state);
      if (done.state.size() != n_states)
        throw ShapeError("scan: the step was given " + std::to_string(n_states) +
                         " states and returned " + std::to_string(done.state.size()) +
                         ".\n  Return {.output = ..., .state = {...}} with every state, in order.");
      if (!done.output) throw ShapeError("scan: the step returned no output; set .output.");
      for (std::size_t i = 0; i < n_states; ++i)
        if (!done.state[i])
          throw ShapeError("scan: the step left state " + std::to_string(i) + " without a value.");
      given->results[0] = done.output.retained();
      for (std::size_t i = 0; i < n_states; ++i) given->results[1 + i] = done.state[i].retained();
    });
  }
};

}  // namespace sdk

/// Runs step(x_t, state) over several sequences at once, each [batch, time, ...]; x_t holds their
/// parts at one time, [batch, ...].
template <class F>
requires std::is_invocable_r_v<Step, F&, const Tensors&, const State&> Scanned
scan(F&& step, const Tensors& x, const State& state, const ScanOptions& options = {}) {
  for (const Tensor& t : x)
    if (t.rank() < 2)
      throw ShapeError("scan: a sequence needs [batch, time, ...], got " +
                       to_string(t.shape(), t.dtype()) + ".");
  const std::vector<tempo_tensor*> xs = sdk::handles(x), states = sdk::handles(state),
                                   constants = sdk::handles(options.constants);
  sdk::ScanStep<std::remove_reference_t<F>> bound{step};
  tempo_scan call{};
  call.size = sizeof call;
  call.n_sequences = static_cast<uint32_t>(xs.size());
  call.n_states = static_cast<uint32_t>(states.size());
  call.n_constants = static_cast<uint32_t>(constants.size());
  call.sequences = xs.data();
  call.states = states.data();
  call.constants = constants.data();
  call.step = &sdk::ScanStep<std::remove_reference_t<F>>::run;
  call.user = &bound;
  call.step_id = options.step_id;
  call.n_outputs = 1;
  call.reverse = options.reverse;
  call.last_only = options.last_only;
  call.plain = options.plain;
  call.recompute = options.recompute;
  std::vector<tempo_tensor*> out(1 + states.size());
  sdk::check(sdk::host().scan(&call, out.data()));
  Tensors all = sdk::adopt(out);
  Scanned result{all[0], {}};
  for (std::size_t i = 1; i < all.size(); ++i) result.state.push_back(all[i]);
  return result;
}

/// Runs step(x_t, state) over x [batch, time, features].
template <class F>
requires std::is_invocable_r_v<Step, F&, const Tensor&, const State&> Scanned
scan(F&& step, const Tensor& x, const State& state, const ScanOptions& options = {}) {
  return scan([&](const Tensors& xs, const State& s) -> Step { return step(xs[0], s); }, Tensors{x},
              state, options);
}
TEMPO_OPTIONS(Scanned scan, ScanOptions, const sdk::Whatever&, const Tensors&, const State&);
TEMPO_OPTIONS(Scanned scan, ScanOptions, const sdk::Whatever&, const Tensor&, const State&);

}  // namespace tempo
