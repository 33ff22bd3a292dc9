// SPDX-License-Identifier: Apache-2.0
// Layers and ops that do what a check could take for a fault, and are right to.
#include <array>
#include <cmath>
#include <vector>

#include <tempo/gradient.hpp>
#include <tempo/plugin.hpp>

namespace sound {

using namespace tempo;

struct Options {
  double rate = 0.5;
  std::string name = "";
};
void describe(auto& option, Options& o) {
  option("rate", o.rate, "Of what is dropped, or how slowly averages move.", between(0.1, 0.9));
}

// y with the mask of the call.
Tensor kept(const Tensor& y, const CallOptions& call) {
  return call.mask ? with_mask(y, call.mask) : y;
}

// Something else in training, which is drawn.
struct Drops : LayerOf<Options> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(call.training ? dropout(x, options.rate) : x, call);
  }
};

// Averages over the batch in training, which move those that inference reads.
struct Normalizes : LayerOf<Options> {
  using LayerOf::LayerOf;
  void build(Weights& add, const Shape& input) {
    const Shape features{input.back()};
    mean_ = add("mean", features, zeros(), {.trainable = false});
    variance_ = add("variance", features, ones(), {.trainable = false});
  }
  Tensor call(const Tensor& given, const CallOptions& call) {
    Tensor x = given, counts = ones({1}, x.dtype());
    if (call.mask) {
      counts = cast(expand_dims(call.mask, -1), x.dtype());
      x = where(expand_dims(call.mask, -1), with_mask(x, {}), 0);
    }
    Tensor center = mean_, spread = variance_;
    if (call.training) {
      Axes others;
      for (int axis = 0; axis + 1 < x.rank(); ++axis) others.push_back(axis);
      const Tensor n = sum(broadcast_to(counts, x.shape()), others) + 1e-7;
      center = sum(counts * x, others) / n;
      spread = sum(counts * square(x - center), others) / n;
      const NoGradient off;
      move(mean_, center);
      move(variance_, spread);
    }
    return kept((x - center) / sqrt(spread + 1e-3), call);
  }

 private:
  void move(const Tensor& weight, const Tensor& now) const {
    assign(weight, weight * options.rate + now * (1 - options.rate));
  }
  Tensor mean_, variance_;
};

// A part of its input in training, without a draw.
struct Halves : LayerOf<Options> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(call.training ? x * options.rate : x, call);
  }
};

// Asks whether there is an op, and does without.
struct DoesWithout : LayerOf<Options> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const tempo_op* op = nullptr;
    const bool has_it = sdk::host().find_op("multiply", &op) == TEMPO_OK;
    return kept(has_it ? x * options.rate : x / (1 / options.rate), call);
  }
};

// --- ops of a domain of their own

struct OfOneInput {
  static constexpr int n_inputs = 1;
  static OpType type(const OpCall& call) {
    if (!is_floating(call.input(0).dtype)) throw ShapeError("needs float32 or float64");
    return call.input(0);
  }
};
struct Log : OfOneInput {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] = std::log(x[0][i]);
  }
  static Tensor vjp(int, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall&) {
    return dy / x[0];
  }
};
struct Root : OfOneInput {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] = std::sqrt(x[0][i]);
  }
  static Tensor vjp(int, const Tensors&, const Tensor& y, const Tensor& dy, const OpCall&) {
    return dy / (2 * y);
  }
};
struct ArcCosine : OfOneInput {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] = std::acos(x[0][i]);
  }
  static Tensor vjp(int, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall&) {
    return -dy / sqrt(1 - x[0] * x[0]);
  }
};
struct ArcCoshine : OfOneInput {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] = std::acosh(x[0][i]);
  }
  static Tensor vjp(int, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall&) {
    return dy / sqrt(x[0] * x[0] - 1);
  }
};
// Finite nowhere.
struct Nowhere : OfOneInput {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>&, T* y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] = static_cast<T>(NAN);
  }
  static Tensor vjp(int, const Tensors&, const Tensor&, const Tensor& dy, const OpCall&) {
    return dy;
  }
};

// x^2 and x^3: two results of one op; in the second form the gradient through x^3 is forgotten.
struct Powers {
  static constexpr int n_inputs = 1, n_results = 2;
  static std::vector<OpType> type(const OpCall& call) {
    const OpType its = OfOneInput::type(call);
    return {its, its};
  }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x,
                     const std::array<T*, 2>& y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) {
      y[0][i] = x[0][i] * x[0][i];
      y[1][i] = y[0][i] * x[0][i];
    }
  }
  static Tensors vjp(const OpGradient& g) {
    const Tensor x = g.x(0);
    return {2 * x * g.dy(0) + 3 * x * x * g.dy(1)};
  }
};
struct ForgetsTheSecond : Powers {
  static Tensors vjp(const OpGradient& g) { return {2 * g.x(0) * g.dy(0)}; }
};

}  // namespace sound

TEMPO_PLUGIN("sound", "1.0.0", tempo::layer<sound::Drops>("Drops", "Drops some."),
             tempo::layer<sound::Normalizes>("Normalizes", "Normalises the batch."),
             tempo::layer<sound::Halves>("Halves", "Is smaller in training."),
             tempo::layer<sound::DoesWithout>("DoesWithout", "Is smaller."),
             tempo::op<sound::Log>("sound_log", "The logarithm."),
             tempo::op<sound::Root>("sound_root", "The square root."),
             tempo::op<sound::ArcCosine>("sound_arc_cosine", "The arc cosine."),
             tempo::op<sound::ArcCoshine>("sound_arc_coshine", "The arc of the hyperbolic one."),
             tempo::op<sound::Nowhere>("sound_nowhere", "No number."),
             tempo::op<sound::Powers>("sound_powers", "Square and cube."),
             tempo::op<sound::ForgetsTheSecond>("sound_forgets", "With half of a gradient."))
