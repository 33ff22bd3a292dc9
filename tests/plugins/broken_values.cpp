// SPDX-License-Identifier: Apache-2.0
// Layers and cells that give wrong shapes, values or gradients in one way each. What each does
// wrong is said above it.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <random>

#include <tempo/plugin.hpp>

namespace broken {

using namespace tempo;

struct Options {
  int units = 3;
  std::string name = "";
};
void describe(auto& option, Options& o) {
  option("units", o.units, "Size of the output.", between(1, 1000));
}

[[gnu::noinline]] void crash() { std::raise(SIGSEGV); }

// A dense layer and a cell without a fault.
struct SoundLayer : LayerOf<Options> {
  using LayerOf::LayerOf;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
  }
  Tensor call(const Tensor& x, const CallOptions&) const { return matmul(x, kernel); }
  Tensor kernel;
};
struct SoundCell : Cell<Options> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
    recurrent = add("recurrent", {options.units, options.units}, orthogonal());
  }
  Tensor next(const Tensor& x, const State& s) const {
    return tanh(matmul(x, kernel) + matmul(s[0], recurrent));
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor h = next(x, s);
    return {.output = h, .state = {h}};
  }
  Tensor kernel, recurrent;
};

// --- options

struct TextOptions {
  std::string mode = "a";
  std::string label = "";
  double factor = 0.5;
  int depth = 2;
  bool trainabel = true;
  bool sead = true;
};
void describe(auto& option, TextOptions& o) {
  option("mode", o.mode, "The second of these choices fails.", one_of("a|b|c"));
  option("label", o.label, "Is printed as a format.");
  option("factor", o.factor, "Has one value.", between(0.5, 0.5));
  option("depth", o.depth, "Is a whole number within halves.", between(0.5, 9.5));
  option("trainabel", o.trainabel, "Is misspelt.");
  option("sead", o.sead, "Is misspelt, too.");
}
struct OddOptions : LayerOf<TextOptions> {
  OddOptions(TextOptions o = {}) : LayerOf(o) {
    if (options.label.find("%n") != std::string::npos) crash();
  }
  Tensor call(const Tensor& x, const CallOptions&) const {
    if (options.mode == "b") throw Error("OddOptions: the mode b is not written yet.");
    return x;
  }
};
// Crashes at one number of units among many.
struct CrashesOfDepth : SoundLayer {
  CrashesOfDepth(Options o = {}) : SoundLayer(o) {
    if (options.units == 63) crash();
  }
};

// --- shapes

// The mean of whole numbers, in whole numbers: 0 / 0.
struct MakesNaN : LayerOf<Options> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions&) const {
    if (is_floating(x.dtype())) return x;
    const Tensor zero = cast(x, float64) * 0;
    return zero / zero;
  }
};
// Has an array for 64 features, and no check.
struct TakesFewFeatures : SoundLayer {
  using SoundLayer::SoundLayer;
  void build(Weights& add, const Shape& input) {
    if (input.back() == 65) crash();
    SoundLayer::build(add, input);
  }
};
// Forgets its weights when it is given other features than before.
struct BuildsAnew : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) {
    if (x.shape().back() != kernel.shape()[0]) assign(kernel, kernel * 0);
    return SoundLayer::call(x, call);
  }
};
// Reads a second input, which may not be there.
struct TakesTwo : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensors call(const Tensors& x, const CallOptions& call) const {
    if (x.size() == 9) crash();
    return {SoundLayer::call(x.at(0), call)};
  }
};
// A bias for each sequence.
struct WeighsTheBatch : SoundLayer {
  using SoundLayer::SoundLayer;
  void build(Weights& add, const Shape& input) {
    SoundLayer::build(add, input);
    bias = add("bias", {input[0], 1, 1}, zeros_init());
  }
  static Initializer zeros_init() { return "zeros"; }
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return x.shape()[0] == bias.shape()[0] ? SoundLayer::call(x, call) + bias
                                           : SoundLayer::call(x, call);
  }
  Tensor bias;
};
// Says that it gives a feature more than it does.
struct PromisesMore : SoundLayer {
  using SoundLayer::SoundLayer;
  Shapes output_shapes(const Shapes& inputs) const {
    Shape out = inputs.at(0);
    out[-1] += 1000;
    return {out};
  }
};
// Begins with float32, whatever it is given.
struct BeginsInFloat32 : SoundCell {
  using SoundCell::SoundCell;
  State initial(const StepCall& call) const {
    return {zeros({call.batch(), options.units}, float32)};
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor h = next(x, {cast(s[0], x.dtype())});
    return {.output = h, .state = {h}};
  }
};
// Walks over all features, one by one, in a table on its stack.
struct CountsFeatures : SoundLayer {
  using SoundLayer::SoundLayer;
  void build(Weights& add, const Shape& input) {
    if (input.back() > (1 << 30)) crash();
    SoundLayer::build(add, input);
  }
};

// --- values

struct DependsOnTheProcess : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return SoundLayer::call(x, call) * static_cast<double>(getpid());
  }
};
// Drawn once, while the plugin is loaded.
const double drawn_when_loaded = std::random_device{}() % 1000000;
struct DrawsWhenLoaded : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return SoundLayer::call(x, call) + drawn_when_loaded;
  }
};
// Another step each time that it is traced.
struct Alternates : SoundCell {
  using SoundCell::SoundCell;
  Step step(const Tensor& x, const State& s) const {
    static int n = 0;
    const Tensor h = next(x, s);
    return {.output = h * static_cast<double>(++n), .state = {h}};
  }
};
// Reads a weight while it is traced, and keeps what it was.
struct KeepsAWeight : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) {
    if (std::isnan(first)) first = kernel.to_vector()[0];
    return SoundLayer::call(x, call) + first;
  }
  double first = std::nan("");
};
// 0 times the sum of the batch.
struct SpreadsNaN : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return SoundLayer::call(x, call) + 0 * sum(x);
  }
};
// A count of its calls that reset does not set back.
struct CountsCalls : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) {
    return SoundLayer::call(x, call) + static_cast<double>(++n);
  }
  int n = 0;
};
// The mean of the steps that count, also where none does.
struct DividesByTheMask : LayerOf<Options> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor mask = call.mask ? call.mask : mask_of(x);
    if (!mask) return mean(x, 1);
    const Tensor weight = expand_dims(cast(mask, x.dtype()), -1);
    return sum(where(expand_dims(mask, -1), with_mask(x, {}), 0), 1) / sum(weight, 1);
  }
};
// Takes a traced step for another one.
struct SeesTracing : SoundCell {
  using SoundCell::SoundCell;
  Step step(const Tensor& x, const State& s) const {
    const Tensor h = next(x, s);
    return {.output = x.view().data ? h : h + 0.001, .state = {h}};
  }
};

// --- gradients

// A gradient in training that is twice too large.
struct WrongInTraining : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor y = SoundLayer::call(x, call);
    if (!call.training) return y;
    return custom_gradient(y, {kernel}, [&](const Tensor& dy) { return 2 * sum_rows(x, dy); });
  }
  static Tensor sum_rows(const Tensor& x, const Tensor& dy) {
    const Tensor rows = reshape(x, {x.count() / x.shape().back(), x.shape().back()});
    return matmul(transpose(rows), reshape(dy, {rows.shape()[0], dy.shape().back()}));
  }
};
struct WrongInFloat32 : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor y = SoundLayer::call(x, call);
    if (x.dtype() == float64) return y;
    return custom_gradient(
        y, {kernel}, [&](const Tensor& dy) { return 1.01 * WrongInTraining::sum_rows(x, dy); });
  }
};
// No number in training.
struct NaNInTraining : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor y = SoundLayer::call(x, call);
    return call.training ? y + log(y - stop_gradient(y) - 1) : y;
  }
};
// A gradient of another shape where there is one sequence.
struct Same {
  static constexpr int n_inputs = 1;
  static OpType type(const OpCall& call) { return call.input(0); }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    std::copy(x[0], x[0] + call.result().shape.count(), y);
  }
  static Tensor vjp(int, const Tensors&, const Tensor&, const Tensor& dy, const OpCall&) {
    return dy.rank() > 0 && dy.shape()[0] == 1 ? squeeze(dy, 0) : dy;
  }
};
// Has the name of one of Tempo's, and a gradient that is twice too large.
struct NamedAsTempos : Same {
  static Tensor vjp(int, const Tensors&, const Tensor&, const Tensor& dy, const OpCall&) {
    return 2 * dy;
  }
};
struct FailsOfOne : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    static const sdk::Op same("broken_values.same");
    return same(SoundLayer::call(x, call));
  }
};
// Too large for float32.
struct NaNInFloat32 : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return log(exp(100 + SoundLayer::call(x, call)));
  }
};
// Another one each time.
struct WrongNextTime : SoundLayer {
  using SoundLayer::SoundLayer;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    static int n = 0;
    const double factor = 1 + 0.5 * n++;
    const Tensor y = SoundLayer::call(x, call);
    return custom_gradient(
        y, {kernel}, [&](const Tensor& dy) { return factor * WrongInTraining::sum_rows(x, dy); });
  }
};
struct HasAnIdleWeight : SoundLayer {
  using SoundLayer::SoundLayer;
  void build(Weights& add, const Shape& input) {
    SoundLayer::build(add, input);
    add("idle", {4}, glorot_uniform());
  }
};

}  // namespace broken

#define LAYER(name) tempo::layer<broken::name>(#name, "Broken.")
#define CELL(name) tempo::cell<broken::name>(#name, "Broken.")
TEMPO_PLUGIN("broken_values", "1.0.0", LAYER(SoundLayer), CELL(SoundCell), LAYER(OddOptions),
             LAYER(CrashesOfDepth), LAYER(MakesNaN), LAYER(TakesFewFeatures), LAYER(BuildsAnew),
             LAYER(TakesTwo), LAYER(WeighsTheBatch), LAYER(PromisesMore), CELL(BeginsInFloat32),
             LAYER(CountsFeatures), LAYER(DependsOnTheProcess), LAYER(DrawsWhenLoaded),
             CELL(Alternates), LAYER(KeepsAWeight), LAYER(SpreadsNaN), LAYER(CountsCalls),
             LAYER(DividesByTheMask), CELL(SeesTracing), LAYER(WrongInTraining),
             LAYER(WrongInFloat32), LAYER(NaNInTraining), LAYER(FailsOfOne), LAYER(NaNInFloat32),
             LAYER(WrongNextTime), LAYER(HasAnIdleWeight), tempo::op<broken::Same>("same", "x."),
             tempo::op<broken::NamedAsTempos>("tanh", "x."))
