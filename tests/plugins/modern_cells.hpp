// SPDX-License-Identifier: Apache-2.0
// Cells that need more of their call than x and the state: recurrent dropout, noise, resets, a
// memory, first states of their own. What a script and the plugin modern_cells are made of. Several
// sequences and gradients of their own are in the zoo, GRU-D and LIF.
#pragma once

#include <limits>

#include <tempo/cell.hpp>

namespace tempo::testing {

struct ModernOptions {
  int units = 5;
};
inline void describe(auto& option, ModernOptions& o) {
  option("units", o.units, "Size of the state.", at_least(1));
}

/// An LSTM with one dropout mask of the state for all steps (Gal and Ghahramani, 2016).
struct DroppedCell : Cell<ModernOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), 4 * options.units}, glorot_uniform());
    recurrent = add("recurrent", {options.units, 4 * options.units}, orthogonal());
  }
  Tensors once(const StepCall& call) const {
    return {dropout(ones({call.batch(), options.units}, call.dtype), call.training ? 0.4 : 0)};
  }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    auto [i, f, g, o] = split<4>(matmul(x, kernel) + matmul(s[0] * call.once[0], recurrent));
    Tensor c = sigmoid(f) * s[1] + sigmoid(i) * tanh(g), h = sigmoid(o) * tanh(c);
    return {.output = h, .state = {h, c}};
  }
  Tensor kernel, recurrent;
};

/// Zoneout (Krueger et al., 2017): in training some units keep their state at each step.
struct ZoneoutCell : Cell<ModernOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent = add("recurrent", {options.units, options.units}, orthogonal());
  }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    Tensor h = tanh(matmul(x, kernel) + matmul(s[0], recurrent));
    Tensor next = call.training ? where(random_uniform(h.shape(), 0, 1, h.dtype()) < 0.3, s[0], h)
                                : 0.3 * s[0] + 0.7 * h;
    return {.output = next, .state = {next}};
  }
  Tensor kernel, recurrent;
};

/// A recurrence that begins anew, from a state that it learns, where the flags say so.
struct ResetCell : Cell<ModernOptions> {
  using Cell::Cell;
  static constexpr int sequence_count = 2;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent = add("recurrent", {options.units, options.units}, orthogonal());
    first = add("first", {options.units}, zeros());
  }
  State initial(const StepCall&) const { return {first}; }
  Step step(const Tensors& x, const State& s) const {
    const Tensor h = where(expand_dims(x[1], -1), first, s[0]);  // x[1] bool [batch]
    Tensor next = tanh(matmul(x[0], kernel) + matmul(h, recurrent));
    return {.output = next, .state = {next}};
  }
  Tensor kernel, recurrent, first;
};

/// A decoder that attends over a memory [batch, places, features] (Luong et al., 2015).
struct AttentionCell : Cell<ModernOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent = add("recurrent", {options.units, options.units}, orthogonal());
    keys = add("keys", {3, options.units}, glorot_uniform());
    out = add("out", {3, options.units}, glorot_uniform());
  }
  Tensors once(const StepCall& call) const { return {matmul(call.constants[0], keys)}; }
  Step step(const Tensor& x, const State& s, const StepCall& call) const {
    Tensor h = tanh(matmul(x, kernel) + matmul(s[0], recurrent));
    Tensor weights = softmax(matmul(expand_dims(h, 1), call.once[0], false, true));
    Tensor read = squeeze(matmul(weights, call.constants[0]), 1);  // [batch, features]
    return {.output = tanh(h + matmul(read, out)), .state = {h}};
  }
  Tensor kernel, recurrent, keys, out;
};

/// The largest so far: a state that begins as -inf.
struct MaximumCell : Cell<ModernOptions> {
  using Cell::Cell;
  Shapes state_shapes(const Shapes& x) const { return {x[0]}; }
  State initial(const StepCall& call) const {
    return {full({1}, -std::numeric_limits<double>::infinity(), call.dtype)};
  }
  Step step(const Tensor& x, const State& s) const {
    Tensor next = maximum(x, s[0]);
    return {.output = next, .state = {next}};
  }
};

}  // namespace tempo::testing
