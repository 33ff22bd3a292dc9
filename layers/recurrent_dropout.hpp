// SPDX-License-Identifier: Apache-2.0
// Dropout inside of a recurrence: its options, and the cell that has them.
#pragma once

#include <tempo/layers/seeds.hpp>

namespace tempo TEMPO_HIDDEN {

/// The options of dropout, which all cells with it share.
inline void describe_recurrent_dropout(auto& option, auto& o) {
  option("dropout", o.dropout,
         "Share of the features of x that are 0 in training: the same ones at all steps of a call, "
         "and for all gates.",
         between(0, 1));
  option("recurrent_dropout", o.recurrent_dropout,
         "Share of the units of the state that its products see as 0 in training: the same ones at "
         "all steps of a call, and for all gates.",
         between(0, 1));
  sdk::describe_seed(option, o);
}

/// A cell that drops some features of its input and some units of its state, in training only: one
/// mask of each for all steps of a call (Gal and Ghahramani, 2016, with one mask for all gates).
/// The rest is scaled by 1 / (1 - rate). Masks are made only if a rate is above 0; a step without
/// them is the plain one.
template <class Options>
class CellWithDropout : public Cell<Options> {
 public:
  using Cell<Options>::Cell;
  static constexpr bool takes_constants = false;

  void keep_state(Kept& keep) { seeds_.keep(keep); }

  /// The masks of a cell whose state is [batch, units].
  Tensors once(const StepCall& call) const {
    return masks(call, {call.batch(), this->options.units});
  }

 protected:
  Tensors masks(const StepCall& call, const Shape& state) const {
    const double rate = this->options.dropout, state_rate = this->options.recurrent_dropout;
    if (!call.training || (rate == 0 && state_rate == 0)) return {};
    const int64_t seed = seeds_.next();
    Tensors made;
    if (rate > 0) made.push_back(mask(call.inputs.at(0), rate, call.dtype, seed));
    if (state_rate > 0)
      made.push_back(
          mask(state, state_rate, call.dtype, seed < 0 ? seed : seed | int64_t{1} << 47));
    return made;
  }

  /// x as the products of a step see it.
  Tensor dropped_input(const Tensor& x, const StepCall& call) const {
    return call.once.empty() || this->options.dropout == 0 ? x : x * call.once[0];
  }
  /// The state as they see it.
  Tensor dropped_state(const Tensor& h, const StepCall& call) const {
    if (call.once.empty() || this->options.recurrent_dropout == 0) return h;
    return h * call.once[this->options.dropout > 0 ? 1 : 0];
  }

 private:
  static Tensor mask(const Shape& shape, double rate, DType dtype, int64_t seed) {
    return tempo::dropout(ones(shape, dtype), rate, seed);
  }
  mutable sdk::Seeds seeds_{this->options.seed};
};

}  // namespace tempo
