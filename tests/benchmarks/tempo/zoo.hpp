// SPDX-License-Identifier: Apache-2.0
// Cells with heads, as in their papers, and in the form that somebody would write by hand to make
// them fast: a matrix for each head. Those with matrix states are the zoo's own.
#pragma once

#include "benchmarks/cells.hpp"
#include "cells.hpp"

namespace bench {

/// Exponential gates and their stabiliser, in a form that does not overflow.
struct ExponentialGates {
  ExponentialGates(const Tensor& i, const Tensor& f, const Tensor& m)
      : next_m(maximum(log_sigmoid(f) + m, i)),
        input(exp(i - next_m)),
        forget(exp(log_sigmoid(f) + m - next_m)) {}
  Tensor next_m, input, forget;
};

/// sLSTM (Beck et al., 2024, xLSTM, equations 8 to 18): the recurrent matrix is block-diagonal.
struct SLSTMCell : tempo::Cell<CellOptions> {
  using Cell::Cell;

  Shapes state_shapes(int64_t batch) const {
    return Shapes(4, Shape{batch, heads, options.units / heads});
  }
  void build(Weights& add, const Shape& input) {
    const int64_t units = options.units, of_head = units / heads;
    kernel = add("kernel", {input.back(), 4 * units}, glorot_uniform());
    recurrent = add("recurrent", {heads, of_head, 4 * of_head}, glorot_uniform());
    bias = add("bias", {4 * units}, zeros());
  }
  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c, n, m] = s.as<4>();  // [batch, heads, units of a head]
    const Tensor from_x = reshape(matmul(x, kernel) + bias, {-1, heads, 4 * h.shape()[-1]});
    auto [i, f, z, o] = split<4>(from_x + einsum("bhd,hde->bhe", h, recurrent));
    const ExponentialGates gates(i, f, m);
    Tensor next_c = gates.forget * c + gates.input * tanh(z);
    Tensor next_n = gates.forget * n + gates.input;
    Tensor next_h = sigmoid(o) * next_c / next_n;
    return {.output = reshape(next_h, {-1, options.units}),
            .state = {next_h, next_c, next_n, gates.next_m}};
  }
  Tensor kernel, recurrent, bias;
};

/// The same with separate heads.
struct SLSTMByHandCell : tempo::Cell<CellOptions> {
  using Cell::Cell;
  static constexpr int state_count = 4;

  void build(Weights& add, const Shape& input) {
    const int64_t units = options.units, of_head = units / heads;
    kernel = add("kernel", {input.back(), 4 * units}, glorot_uniform());
    for (int64_t head = 0; head < heads; ++head)
      recurrent[head] = add(("recurrent_" + std::to_string(head)).c_str(), {of_head, 4 * of_head},
                            glorot_uniform());
    bias = add("bias", {4 * units}, zeros());
  }
  Step step(const Tensor& x, const State& s) const {
    const auto& [h, c, n, m] = s.as<4>();  // [batch, units]
    const auto of_head = split<heads>(h);
    const auto from_x = split<heads>(matmul(x, kernel) + bias);
    Tensors gates_of[4];
    for (std::size_t head = 0; head < heads; ++head) {
      const auto parts = split<4>(from_x[head] + matmul(of_head[head], recurrent[head]));
      for (std::size_t gate = 0; gate < 4; ++gate) gates_of[gate].push_back(parts[gate]);
    }
    const ExponentialGates gates(concat(gates_of[0]), concat(gates_of[1]), m);
    Tensor next_c = gates.forget * c + gates.input * tanh(concat(gates_of[2]));
    Tensor next_n = gates.forget * n + gates.input;
    Tensor next_h = sigmoid(concat(gates_of[3])) * next_c / next_n;
    return {.output = next_h, .state = {next_h, next_c, next_n, gates.next_m}};
  }
  Tensor kernel, recurrent[heads], bias;
};

/// RG-LRU (De et al., 2024, Griffin, equations 1 to 4) with block-diagonal gates, as in its
/// authors' code.
struct RGLRUCell : tempo::Cell<CellOptions> {
  using Cell::Cell;

  void build(Weights& add, const Shape&) {
    const int64_t units = options.units, of_head = units / heads;
    kernel_a = add("kernel_a", {heads, of_head, of_head}, glorot_uniform());
    kernel_x = add("kernel_x", {heads, of_head, of_head}, glorot_uniform());
    bias_a = add("bias_a", {units}, zeros());
    bias_x = add("bias_x", {units}, zeros());
    lambda = add("lambda", {units}, zeros());
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor parts = reshape(x, {-1, heads, x.shape()[-1] / heads});
    const auto gate = [&](const Tensor& kernel, const Tensor& bias) {
      return sigmoid(reshape(einsum("bhd,hde->bhe", parts, kernel), x.shape()) + bias);
    };
    Tensor log_a = -8 * softplus(lambda) * gate(kernel_a, bias_a);
    Tensor next = exp(log_a) * s[0] + sqrt(1 - exp(2 * log_a)) * (gate(kernel_x, bias_x) * x);
    return {.output = next, .state = {next}};
  }
  Tensor kernel_a, kernel_x, bias_a, bias_x, lambda;
};

/// The same with separate heads.
struct RGLRUByHandCell : tempo::Cell<CellOptions> {
  using Cell::Cell;

  void build(Weights& add, const Shape&) {
    const int64_t units = options.units, of_head = units / heads;
    for (int64_t gate = 0; gate < 2; ++gate)
      for (int64_t head = 0; head < heads; ++head)
        kernel[gate][head] =
            add(("kernel_" + std::to_string(gate) + "_" + std::to_string(head)).c_str(),
                {of_head, of_head}, glorot_uniform());
    bias_a = add("bias_a", {units}, zeros());
    bias_x = add("bias_x", {units}, zeros());
    lambda = add("lambda", {units}, zeros());
  }
  Step step(const Tensor& x, const State& s) const {
    const auto parts = split<heads>(x);
    const auto gate = [&](int64_t which, const Tensor& bias) {
      Tensors made;
      for (std::size_t head = 0; head < heads; ++head)
        made.push_back(matmul(parts[head], kernel[which][head]));
      return sigmoid(concat(made) + bias);
    };
    Tensor log_a = -8 * softplus(lambda) * gate(0, bias_a);
    Tensor next = exp(log_a) * s[0] + sqrt(1 - exp(2 * log_a)) * (gate(1, bias_x) * x);
    return {.output = next, .state = {next}};
  }
  Tensor kernel[2][heads], bias_a, bias_x, lambda;
};

}  // namespace bench
