// SPDX-License-Identifier: Apache-2.0
// Cells as a user writes them: their formulas, with the public API only.
#pragma once

#include <tempo/tempo.hpp>

namespace bench {

using namespace tempo;

struct CellOptions {
  int units = 32;
};
inline void describe(auto& option, CellOptions& o) {
  option("units", o.units, "Size of the state.");
}

/// The formula of LSTM with a matrix for each gate.
struct UserLSTMCell : tempo::Cell<CellOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;

  void build(Weights& add, const Shape& input) {
    for (int gate = 0; gate < 4; ++gate) {
      const std::string of = std::string("_") + "ifgo"[gate];
      kernel[gate] = add(("kernel" + of).c_str(), {input.back(), options.units}, glorot_uniform());
      recurrent[gate] =
          add(("recurrent" + of).c_str(), {options.units, options.units}, orthogonal());
      bias[gate] = add(("bias" + of).c_str(), {options.units}, zeros());
    }
  }
  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c] = s.as<2>();
    Tensor i = sigmoid(matmul(x, kernel[0]) + matmul(h, recurrent[0]) + bias[0]);
    Tensor f = sigmoid(matmul(x, kernel[1]) + matmul(h, recurrent[1]) + bias[1]);
    Tensor g = tanh(matmul(x, kernel[2]) + matmul(h, recurrent[2]) + bias[2]);
    Tensor o = sigmoid(matmul(x, kernel[3]) + matmul(h, recurrent[3]) + bias[3]);
    Tensor next_c = f * c + i * g;
    Tensor next_h = o * tanh(next_c);
    return {.output = next_h, .state = {next_h, next_c}};
  }
  Tensor kernel[4], recurrent[4], bias[4];
};

/// LSTM whose gates see the cell state (Gers and Schmidhuber, 2000).
struct PeepholeCell : tempo::Cell<CellOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;

  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), 4 * options.units}, glorot_uniform());
    recurrent_kernel = add("recurrent_kernel", {options.units, 4 * options.units}, orthogonal());
    bias = add("bias", {4 * options.units}, zeros());
    peephole_i = add("peephole_i", {options.units}, zeros());
    peephole_f = add("peephole_f", {options.units}, zeros());
    peephole_o = add("peephole_o", {options.units}, zeros());
  }
  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c] = s.as<2>();
    auto [i, f, g, o] = split<4>(matmul(x, kernel) + matmul(h, recurrent_kernel) + bias);
    Tensor next_c = sigmoid(f + peephole_f * c) * c + sigmoid(i + peephole_i * c) * tanh(g);
    Tensor next_h = sigmoid(o + peephole_o * next_c) * tanh(next_c);
    return {.output = next_h, .state = {next_h, next_c}};
  }
  Tensor kernel, recurrent_kernel, bias, peephole_i, peephole_f, peephole_o;
};

/// Minimal gated unit (Zhou et al., 2016).
struct MinimalGatedCell : tempo::Cell<CellOptions> {
  using Cell::Cell;

  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), 2 * options.units}, glorot_uniform());
    recurrent_forget = add("recurrent_forget", {options.units, options.units}, orthogonal());
    recurrent_candidate = add("recurrent_candidate", {options.units, options.units}, orthogonal());
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor& h = s[0];
    auto [xf, xc] = split<2>(matmul(x, kernel));
    Tensor f = sigmoid(xf + matmul(h, recurrent_forget));
    Tensor c = tanh(xc + matmul(f * h, recurrent_candidate));
    Tensor next = (1 - f) * h + f * c;
    return {.output = next, .state = {next}};
  }
  Tensor kernel, recurrent_forget, recurrent_candidate;
};

/// LSTM with layer normalisation (Ba et al., 2016, equations 20 to 22).
struct LayerNormLSTMCell : tempo::Cell<CellOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;

  void build(Weights& add, const Shape& input) {
    const int64_t units = options.units;
    kernel = add("kernel", {input.back(), 4 * units}, glorot_uniform());
    recurrent_kernel = add("recurrent_kernel", {units, 4 * units}, orthogonal());
    bias = add("bias", {4 * units}, zeros());
    gamma_input = add("gamma_input", {4 * units}, ones());
    gamma_recurrent = add("gamma_recurrent", {4 * units}, ones());
    gamma_state = add("gamma_state", {units}, ones());
    beta_state = add("beta_state", {units}, zeros());
  }
  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c] = s.as<2>();
    auto [i, f, g, o] = split<4>(layer_norm(matmul(x, kernel), gamma_input) +
                                 layer_norm(matmul(h, recurrent_kernel), gamma_recurrent) + bias);
    Tensor next_c = sigmoid(f) * c + sigmoid(i) * tanh(g);
    Tensor next_h = sigmoid(o) * tanh(layer_norm(next_c, gamma_state, beta_state));
    return {.output = next_h, .state = {next_h, next_c}};
  }
  Tensor kernel, recurrent_kernel, bias, gamma_input, gamma_recurrent, gamma_state, beta_state;
};

/// LSTM that reads two sequences side by side.
struct TwoSequencesLSTMCell : tempo::Cell<CellOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;
  static constexpr int sequence_count = 2;

  void build(Weights& add, const Shapes& inputs) {
    const int64_t features = inputs[0].back() + inputs[1].back(), units = options.units;
    kernel = add("kernel", {features, 4 * units}, glorot_uniform());
    recurrent_kernel = add("recurrent_kernel", {units, 4 * units}, orthogonal());
    bias = add("bias", {4 * units}, zeros());
  }
  Step step(const Tensors& x, const State& s) const {
    const auto& [h, c] = s.as<2>();
    auto [i, f, g, o] = split<4>(matmul(concat(x), kernel) + matmul(h, recurrent_kernel) + bias);
    Tensor next_c = sigmoid(f) * c + sigmoid(i) * tanh(g);
    Tensor next_h = sigmoid(o) * tanh(next_c);
    return {.output = next_h, .state = {next_h, next_c}};
  }
  Tensor kernel, recurrent_kernel, bias;
};

}  // namespace bench
