// SPDX-License-Identifier: Apache-2.0
// A cell, a layer and an op with a kernel of its own, for a plugin and for the tests that link the
// same source. All dimensions and options differ from their defaults where it matters.
#pragma once

#include <cmath>

#include <tempo/plugin.hpp>

namespace good {

using namespace tempo;

// y = factor x / sqrt(1 + x²)          dx = dy factor (1 + x²)^(-3/2)
struct Squash {
  static constexpr int n_inputs = 1;
  static OpType type(const OpCall& call) {
    const OpType x = call.input(0);
    if (!is_floating(x.dtype)) throw ShapeError("needs float32 or float64");
    return x;
  }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    const T factor = static_cast<T>(call.real("factor", 1));
    const int64_t n = call.result().shape.count();
    for (int64_t i = 0; i < n; ++i) y[i] = factor * x[0][i] / std::sqrt(1 + x[0][i] * x[0][i]);
  }
  static Tensor vjp(int, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall& call) {
    return dy * (call.real("factor", 1) * pow(1 + square(x[0]), -1.5));
  }
};

// y[i, :] = weight[i] x[i, :]: two inputs of different shapes, and a kernel on raw pointers.
struct ScaleRows {
  static constexpr int n_inputs = 2;
  static OpType type(const OpCall& call) {
    const OpType x = call.input(0), weight = call.input(1);
    if (x.shape.rank() != 2 || weight.shape != Shape{x.shape[0]})
      throw ShapeError("needs [rows, columns] and [rows]");
    if (!is_floating(x.dtype) || weight.dtype != x.dtype)
      throw ShapeError("needs float32 or float64, both alike");
    return x;
  }
  static void kernel(const OpCall& call, const void* const* data, void* result) {
    if (call.result().dtype == float32)
      run<float>(call, data, result);
    else
      run<double>(call, data, result);
  }
  static Tensor vjp(int i, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall&) {
    if (i == 0) return dy * expand_dims(x[1], -1);
    return sum(dy * x[0], -1);
  }

 private:
  template <class T>
  static void run(const OpCall& call, const void* const* data, void* result) {
    const Shape shape = call.result().shape;
    for (int64_t i = 0; i < shape[0]; ++i)
      for (int64_t j = 0; j < shape[1]; ++j)
        static_cast<T*>(result)[i * shape[1] + j] =
            static_cast<const T*>(data[0])[i * shape[1] + j] * static_cast<const T*>(data[1])[i];
  }
};

inline Tensor squash(const Tensor& x, double factor) {
  static const sdk::Op op("test_squash");
  return op(x, {{"factor", factor}});
}

struct CellOptions {
  int units = 3;
  double factor = 0.5;
};
void describe(auto& option, CellOptions& o) {
  option("units", o.units, "Size of the state.", at_least(1));
  option("factor", o.factor, "Of the squash.", between(0, 2));
}

struct SquashCell : Cell<CellOptions> {
  using Cell::Cell;
  static constexpr int state_count = 2;

  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform({.seed = 3}));
    recurrent_kernel =
        add("recurrent_kernel", {options.units, options.units}, orthogonal({.seed = 4}));
  }
  Step step(const Tensor& x, const State& s) const {
    const auto& [h, total] = s.as<2>();
    Tensor next = squash(matmul(x, kernel) + matmul(h, recurrent_kernel), options.factor);
    return {.output = next + 0.5 * total, .state = {next, 0.9 * total + next}};
  }
  Tensor kernel, recurrent_kernel;
};

struct LayerOptions {
  int units = 2;
  std::string mode = "plain";
  Activation activation = "tanh";
};
void describe(auto& option, LayerOptions& o) {
  option("units", o.units, "Size of the output.", at_least(1));
  option("mode", o.mode, "What is done first.", one_of("plain|twice"));
  option("activation", o.activation, "Of the output.");
}

struct SquashLayer : LayerOf<LayerOptions> {
  using LayerOf::LayerOf;

  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform({.seed = 5}));
  }
  Tensor call(const Tensor& x, const CallOptions&) {
    Tensor z = squash(matmul(x, kernel), 1.5);
    return options.activation(options.mode == "twice" ? squash(z, 1.5) : z);
  }
  Tensor kernel;
};

}  // namespace good
