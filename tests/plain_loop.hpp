// SPDX-License-Identifier: Apache-2.0
// Runs a cell by hand, one eager step after the other, and compares a layer by values, gradients
// and gradients of these.
#pragma once

#include <tempo/gradient.hpp>
#include <tempo/layer.hpp>

#include "testing.hpp"

namespace tempo::testing {

struct InFloat64 {
  InFloat64() { set_default_dtype(float64); }
  ~InFloat64() { set_default_dtype(float32); }
};

inline void randomize(const Layer& layer) {
  int64_t seed = 70;
  for (const Tensor& w : layer.weights())
    assign(w, cast(0.6 * normal(w.shape(), seed++), w.dtype()));
}

inline Tensors parameters(const Tensors& given) {
  Tensors out;
  for (const Tensor& t : given)
    out.push_back(is_floating(t.dtype()) ? parameter(cast(t, default_dtype())) : t);
  return out;
}

inline Tensors part(const Tensors& x, int64_t begin, int64_t end) {
  Tensors out;
  for (const Tensor& t : x) out.push_back(slice(t, 1, begin, end));
  return out;
}

inline Shapes shapes_of(const Tensors& x) {
  Shapes out;
  for (const Tensor& t : x) out.push_back(t.shape());
  return out;
}

/// All results of an RNN that returns sequences and states, one eager step after the other.
inline Tensors by_hand(const Layer& cell, const Tensors& x, const CallOptions& options,
                       bool backwards) {
  StepCall call{.training = options.training, .constants = options.constants};
  for (const Tensor& t : x) call.inputs.push_back(take(t, 0, 1).shape());
  call.dtype = x[0].dtype();
  const Tensors made = once(cell, call);
  call.once.assign(made.begin(), made.end());
  State state = initial_state(cell, call);
  Tensors outputs;
  const int64_t steps = x[0].shape()[1];
  for (int64_t n = 0; n < steps; ++n) {
    Tensors now;
    for (const Tensor& t : x) now.push_back(take(t, backwards ? steps - 1 - n : n, 1));
    const Step done = step(cell, now, state, call);
    outputs.push_back(done.output);
    state = done.state;
  }
  Tensors all{stack(outputs, 1)};
  all.insert(all.end(), state.begin(), state.end());
  return all;
}

/// Values, gradients and gradients of these.
inline Tensors to_second_order(const Tensors& results, const Tensors& leaves) {
  const auto folded = [](const Tensors& all) {
    Tensor total = scalar(0, all[0].dtype());
    int64_t seed = 90;
    for (const Tensor& t : all) total = total + sum(t * cast(normal(t.shape(), seed++), t.dtype()));
    return total;
  };
  const Tensors first = gradient(folded(results), leaves), second = gradient(folded(first), leaves);
  Tensors all = results;
  all.insert(all.end(), first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

inline Tensors leaves_of(const Layer& layer, const Tensors& x, const Tensors& constants) {
  Tensors leaves = layer.trainable_weights();
  for (const Tensors* list : {&x, &constants})
    for (const Tensor& t : *list)
      if (t.tracked()) leaves.push_back(t);
  return leaves;
}

inline void check_all(const std::string& what, const Tensors& got, const Tensors& expected,
                      double tolerance) {
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    check_close(what + ", result " + std::to_string(i), got[i], expected[i], tolerance);
}

}  // namespace tempo::testing
