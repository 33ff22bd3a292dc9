// SPDX-License-Identifier: Apache-2.0
// The cells and layers that Keras defines in its own tests.
#pragma once

#include <tempo/cell.hpp>

struct TestCellOptions {
  int units = 0;
};
inline void describe(auto& option, TestCellOptions& o) {
  option("units", o.units, "Size of the states.");
}

/// keras/src/layers/rnn/rnn_test.py: one state, no bias, no activation.
struct OneStateRNNCell : tempo::Cell<TestCellOptions> {
  using Cell::Cell;

  void build(tempo::Weights& add, const tempo::Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, tempo::ones());
    recurrent_kernel = add("recurrent_kernel", {options.units, options.units}, tempo::ones());
  }
  tempo::Step step(const tempo::Tensor& x, const tempo::State& s) const {
    tempo::Tensor next = matmul(x, kernel) + matmul(s[0], recurrent_kernel);
    return {.output = next, .state = {next}};
  }

  tempo::Tensor kernel, recurrent_kernel;
};

/// The same with two states, both of which follow the first, as Keras has it.
struct TwoStatesRNNCell : tempo::Cell<TestCellOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;

  void build(tempo::Weights& add, const tempo::Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, tempo::ones());
    recurrent_kernel_1 = add("recurrent_kernel_1", {options.units, options.units}, tempo::ones());
    recurrent_kernel_2 = add("recurrent_kernel_2", {options.units, options.units}, tempo::ones());
  }
  tempo::Step step(const tempo::Tensor& x, const tempo::State& s) const {
    tempo::Tensor h = matmul(x, kernel);
    tempo::Tensor first = h + matmul(s[0], recurrent_kernel_1);
    tempo::Tensor second = h + matmul(s[0], recurrent_kernel_2);
    return {.output = first + second, .state = {first, second}};
  }

  tempo::Tensor kernel, recurrent_kernel_1, recurrent_kernel_2;
};

/// keras/src/layers/rnn/time_distributed_test.py: 0 for the samples that a mask takes out.
struct MaskedDenseLayer : tempo::LayerOf<TestCellOptions> {
  using LayerOf::LayerOf;

  void build(tempo::Weights& add, const tempo::Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, tempo::constant(0.01));
  }
  tempo::Tensor call(const tempo::Tensor& x, const tempo::CallOptions& call) const {
    const tempo::Tensor y = matmul(x, kernel);
    return call.mask ? y * cast(expand_dims(call.mask, -1), y.dtype()) : y;
  }

  tempo::Tensor kernel;
};
