// SPDX-License-Identifier: Apache-2.0
// A plugin of functions alone, some with one fault each, for `tempo check` to find.
#include <tempo/gradient.hpp>
#include <tempo/plugin.hpp>

namespace functions_alone {

using namespace tempo;

struct Options {
  double factor = 1;
};
void describe(auto& option, Options& o) {
  option("factor", o.factor, "What it is multiplied by.", at_least(0));
}
using Function = FunctionOf<Options>;

struct Wave : Function {
  using Function::Function;
  Tensor operator()(const Tensor& x) const { return options.factor * sin(x); }
};
struct WavesTooSteeply : Wave {
  using Wave::Wave;
  Tensor operator()(const Tensor& x) const {
    const Tensor y = Wave::operator()(x);
    return 1.5 * y - 0.5 * stop_gradient(y);
  }
};
struct WavesInFloat32 : Wave {
  using Wave::Wave;
  Tensor operator()(const Tensor& x) const { return Wave::operator()(cast(x, float32)); }
};
struct WavesRoughly : Wave {
  using Wave::Wave;
  Tensor operator()(const Tensor& x) const {
    return (x.dtype() == float32 ? 1.001 : 1.0) * Wave::operator()(x);
  }
};
// For inputs of whole numbers.
struct Refuses : Function {
  using Function::Function;
  Tensor operator()(const Tensor& x) const {
    if (is_floating(x.dtype())) throw ShapeError("needs whole numbers");
    return x;
  }
};

struct Halves : Function {
  using Function::Function;
  Tensor operator()(const Shape& shape, DType dtype, const Tensor&) const {
    return full(shape, options.factor / 2, dtype);
  }
};
struct HalvesOfFloat64 : Halves {
  using Halves::Halves;
  Tensor operator()(const Shape& shape, DType, const Tensor& key) const {
    return Halves::operator()(shape, float64, key);
  }
};
struct NoNumbers : Function {
  using Function::Function;
  Tensor operator()(const Shape& shape, DType dtype, const Tensor&) const {
    return full(shape, std::nan(""), dtype);
  }
};

struct Quartic : Function {
  using Function::Function;
  Tensor operator()(const Tensor& y, const Tensor& p) const {
    return options.factor * mean(square(square(y - p)), -1);
  }
};
struct QuarticOfTheTruth : Function {
  using Function::Function;
  Tensor operator()(const Tensor& y, const Tensor& p) const {
    return mean(square(square(y - stop_gradient(p))) + p, -1);
  }
};
struct CountsUp : Function {
  using Function::Function;
  Tensor operator()(const Tensor& y, const Tensor& p) const {
    static int n = 0;
    return mean(abs(y - p), -1) + static_cast<double>(++n);
  }
};

struct Descends : FunctionOf<Optionless> {
  using FunctionOf::FunctionOf;
  Tensors operator()(const Tensor& w, const Tensor& g, const Tensor& rate, const Tensor&,
                     const Tensors&) const {
    return {w - rate * g};
  }
};
struct SumsUp : FunctionOf<Optionless> {
  using FunctionOf::FunctionOf;
  Tensors operator()(const Tensor& w, const Tensor&, const Tensor&, const Tensor&,
                     const Tensors&) const {
    return {sum(w)};
  }
};

}  // namespace functions_alone

using namespace functions_alone;
TEMPO_PLUGIN("functions_alone", "1.0.0", tempo::activation<Wave>("wave", "A wave."),
             tempo::activation<WavesTooSteeply>("waves_too_steeply", "A wave."),
             tempo::activation<WavesInFloat32>("waves_in_float32", "A wave."),
             tempo::activation<WavesRoughly>("waves_roughly", "A wave."),
             tempo::activation<Refuses>("refuses", "Nothing."),
             tempo::initializer<Halves>("halves", "A half."),
             tempo::initializer<HalvesOfFloat64>("halves_of_float64", "A half."),
             tempo::initializer<NoNumbers>("no_numbers", "None."),
             tempo::loss<Quartic>("quartic", "To the fourth."),
             tempo::loss<QuarticOfTheTruth>("quartic_of_the_truth", "To the fourth."),
             tempo::metric<Quartic>("quartic_metric", "To the fourth."),
             tempo::metric<CountsUp>("counts_up", "How often it is called."),
             tempo::optimizer<Descends>("descends", "Gradient descent."),
             tempo::optimizer<SumsUp>("sums_up", "A sum."))
