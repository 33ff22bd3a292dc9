// SPDX-License-Identifier: Apache-2.0
// The activation x + sin²(a x) / a (Ziyin et al., 2020), as an op with a kernel of its own and as a
// layer that applies it.
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

struct SnakeLayer : LayerOf<SnakeOptions> {
  using LayerOf::LayerOf;

  Tensor call(const Tensor& x, const tempo::CallOptions& call) {
    static const sdk::Op op("snake");
    if (!call.mask) return op(x, {{"a", options.a}});
    Shape steps = call.mask.shape();
    while (steps.rank() < x.rank()) steps.push_back(1);
    const Tensor counted = where(reshape(call.mask, steps), x, 0);  // what is masked may be NaN
    return with_mask(op(counted, {{"a", options.a}}), call.mask);
  }
};

}  // namespace

TEMPO_PLUGIN("snake", "1.0.0", tempo::op<SnakeOp>("snake", "x + sin²(a x) / a."),
             tempo::layer<SnakeLayer>("Snake", "x + sin²(a x) / a, Ziyin et al., 2020"))
