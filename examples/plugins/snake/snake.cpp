// SPDX-License-Identifier: Apache-2.0
// x + sin²(a x) / a (Ziyin et al., 2020), as an op with a kernel of its own, as an activation that
// any layer can have, and as a layer.
#include <cmath>

#include <tempo/plugin.hpp>

namespace {

using namespace tempo;

struct SnakeOp {
  static constexpr int n_inputs = 1;

  static OpType type(const OpCall& call) {
    const OpType x = call.input(0);
    if (!is_floating(x.dtype)) throw ShapeError("needs float32 or float64");
    return x;
  }

  template <class T>  // float or double
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    const T a = static_cast<T>(call.real("a", 1));
    const int64_t n = call.result().shape.count();
    for (int64_t i = 0; i < n; ++i) {
      const T wave = std::sin(a * x[0][i]);
      y[i] = x[0][i] + wave * wave / a;
    }
  }

  static Tensor vjp(int, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall& call) {
    return dy * (1 + sin(2 * call.real("a", 1) * x[0]));
  }
};

struct SnakeOptions {
  double a = 1;
};
void describe(auto& option, SnakeOptions& o) {
  option("a", o.a, "The frequency of the waves.", between(0.01, 100));
}

Tensor applied(const Tensor& x, double a) {
  static const sdk::Op op("snake.snake");
  return op(x, {{"a", a}});
}

struct SnakeActivation : FunctionOf<SnakeOptions> {
  using FunctionOf::FunctionOf;
  Tensor operator()(const Tensor& x) const { return applied(x, options.a); }
};

struct SnakeLayer : LayerOf<SnakeOptions> {
  using LayerOf::LayerOf;

  Shapes output_shapes(const Shapes& inputs) const { return inputs; }

  Tensor call(const Tensor& x, const tempo::CallOptions& call) {
    if (!call.mask) return applied(x, options.a);
    Shape steps = call.mask.shape();
    while (steps.rank() < x.rank()) steps.push_back(1);
    const Tensor counted = where(reshape(call.mask, steps), x, 0);  // what is masked may be NaN
    return with_mask(applied(counted, options.a), call.mask);
  }
};

}  // namespace

TEMPO_PLUGIN("snake", "1.0.0", tempo::op<SnakeOp>("snake", "x + sin²(a x) / a."),
             tempo::activation<SnakeActivation>("snake", "x + sin²(a x) / a, Ziyin et al., 2020"),
             tempo::layer<SnakeLayer>("Snake", "x + sin²(a x) / a, Ziyin et al., 2020"))
