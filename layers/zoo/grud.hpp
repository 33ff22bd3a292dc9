// SPDX-License-Identifier: Apache-2.0
// GRU-D for series with values missing: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/units.hpp>

namespace tempo TEMPO_HIDDEN {

struct GRUDOptions {
  int units = 0;
  bool return_sequences = false;
  bool return_state = false;
  bool stateful = false;
  bool zero_output_for_mask = false;
  bool trainable_initial_state = false;
  bool recompute = false;
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

/// GRU-D (Che et al., 2018, the model of its methods): a GRU over three sequences, each [batch,
/// time, features]: values, flags of whether each was observed (1 or true), and the time since it
/// was. In place of a missing value it reads the last one, or the mean before the first, decayed
/// towards the mean; the state decays, too. Missing values may be anything, even NaN. The weight
/// `mean` is not trained: set it to the values' mean, or leave it 0 if they are standardised.
/// Weights of the gates read the value, then the state, then the flags; z and r stand side by side.
/// States are h and the last values. It has no go_backwards, because `since` counts from an earlier
/// observation: reverse the series and make `since` of that order, for RNN as well.
class GRUDCell : public Cell<GRUDOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, GRUDOptions& o) {
    option("units", o.units, "Size of the output.", at_least(0));
  }

  static constexpr int sequence_count = 3, step_rank = 2;
  static constexpr const char* sequences = "{values, observed, since}";
  static constexpr bool takes_constants = false;
  Shapes state_shapes(const Shapes& inputs) const {
    return {{inputs[0][0], options.units}, inputs[0]};
  }
  State initial(const StepCall& call) const {
    return {Tensor{}, call.dtype == DType::automatic ? mean : cast(mean, call.dtype)};
  }

  void build(Weights& add, const Shapes& inputs) {
    require_units("GRUD", options.units, 2);
    require_alike(inputs);
    const int64_t n = inputs[0].back(), units = options.units;
    mean = add("mean", {n}, zeros(), false);
    decay_x = add("decay_x", {n}, random_uniform(0, 0.5));
    decay_x_bias = add("decay_x_bias", {n}, zeros());
    decay_h = add("decay_h", {n, units}, glorot_uniform());
    decay_h_bias = add("decay_h_bias", {units}, zeros());
    gates = add("gates", {n + units + n, 2 * units}, glorot_uniform());
    gates_bias = add("gates_bias", {2 * units}, zeros());
    candidate = add("candidate", {n + units + n, units}, glorot_uniform());
    candidate_bias = add("candidate_bias", {units}, zeros());
  }

  Step step(const Tensors& x, const State& s) const {
    require_alike({x[0].shape(), x[1].shape(), x[2].shape()});
    const DType dtype = s[0].dtype();
    Tensor flags = cast(x[1], dtype), observed = flags > 0.5, since = cast(x[2], dtype);
    Tensor keep = exp(-relu(since * decay_x + decay_x_bias));
    Tensor last = where(observed, x[0], s[1]);
    Tensor value = where(observed, x[0], keep * last + (1 - keep) * mean);
    Tensor h = exp(-relu(matmul(since, decay_h) + decay_h_bias)) * s[0];
    auto [z, r] = split<2>(sigmoid(matmul(concat({value, h, flags}), gates) + gates_bias));
    Tensor read = matmul(concat({value, r * h, flags}), candidate) + candidate_bias;
    Tensor next = (1 - z) * h + z * tanh(read);
    return {.output = next, .state = {next, last}};
  }

  Tensor mean, decay_x, decay_x_bias, decay_h, decay_h_bias;
  Tensor gates, gates_bias, candidate, candidate_bias;

 private:
  static void require_alike(const Shapes& steps) {
    for (const Shape& step : steps)
      if (step.back() != steps[0].back()) {
        std::string given;
        for (const Shape& s : steps)
          given += (given.empty() ? "" : ", ") + std::to_string(s.back());
        throw ShapeError("GRUD: " + std::string(sequences) + " have " + given +
                         " features; all three need the same, " + std::to_string(steps[0].back()) +
                         ".\n  broadcast_to(since, x.shape()) makes of one time for each step one "
                         "for each feature.");
      }
  }
};

inline void describe(auto& option, GRUDOptions& o) {
  GRUDCell::describe(option, o);
  describe_recurrence(option, o);
}

class GRUDLayer : public Recurrent<GRUDCell> {
 public:
  using Recurrent::Recurrent;
};

/// GRUD over {values, observed, time since}; its options are GRUDOptions.
inline Layer GRUD(const GRUDOptions& options) { return make_layer("GRUD", options); }
TEMPO_OPTIONS(Layer GRUD, GRUDOptions);

}  // namespace tempo
