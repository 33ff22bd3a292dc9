// SPDX-License-Identifier: Apache-2.0
// Layers and cells with one fault each, for the conformance suite to find. What each does wrong is
// said above it; the rest of it is right.
#include <atomic>
#include <random>

#include <tempo/gradient.hpp>
#include <tempo/plugin.hpp>

namespace faulty {

using namespace tempo;

struct Options {
  int units = 3;
};
void describe(auto& option, Options& o) {
  option("units", o.units, "Size of the output.", at_least(1));
}

// A dense layer that is right in all that the suite checks, unless F says otherwise.
struct Sound : LayerOf<Options> {
  using LayerOf::LayerOf;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
  }
  // x with a step that counts in place of each masked one: 0 times NaN is NaN.
  static Tensor counted(const Tensor& x, const Tensor& mask) {
    static const sdk::Op usable_steps("usable_steps"), counted_steps("counted_steps");
    return mask ? counted_steps(x, usable_steps(x, mask), {{"borrow", true}}) : x;
  }
  Tensor product(const Tensor& x, const CallOptions& call) const {
    return matmul(counted(x, call.mask), kernel);
  }
  static Tensor kept(const Tensor& y, const CallOptions& call) {
    return call.mask ? with_mask(y, call.mask) : y;
  }
  Tensor kernel;
};

struct SoundDense : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(tanh(product(x, call)), call);
  }
};

// It cannot be made without being told `size`, which no default knows.
struct SizeOptions {
  int size = 0;
};
void describe(auto& option, SizeOptions& o) { option("size", o.size, "Of nothing."); }
struct NeedsRow : LayerOf<SizeOptions> {
  using LayerOf::LayerOf;
  void build(Weights&, const Shape&) {
    if (options.size < 1) throw Error("NeedsRow: size is not set.");
  }
  Tensor call(const Tensor& x, const CallOptions&) const { return x; }
};

// Nobody knows what to try for its option.
struct PatternOptions {
  std::string pattern = "";
};
void describe(auto& option, PatternOptions& o) { option("pattern", o.pattern, "Of the signs."); }
struct NeedsValue : LayerOf<PatternOptions> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions&) const { return options.pattern == "-" ? -x : x; }
};

// Remembers the batch that it was built with.
struct FixedBatch : Sound {
  using Sound::Sound;
  void build(Weights& add, const Shape& input) {
    Sound::build(add, input);
    batch = input[0];
  }
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor y = product(x, call);
    return kept(reshape(y, {batch, -1, options.units}), call);
  }
  int64_t batch = 0;
};

// A weight for each step of the first input.
struct FixedTime : Sound {
  using Sound::Sound;
  void build(Weights& add, const Shape& input) {
    Sound::build(add, input);
    scale = add("scale", {input[1], 1}, ones());
  }
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(product(x, call) * scale, call);
  }
  Tensor scale;
};

// Gives float32 whatever it is asked for.
struct GivesFloat32 : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(cast(product(x, call), float32), call);
  }
};

// Another constant in float64.
struct WrongInFloat64 : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(product(x, call) * (x.dtype() == float64 ? 1.001 : 1), call);
  }
};

// Goes through float32 and back.
struct ThroughFloat32 : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(cast(cast(product(x, call), float32), x.dtype()), call);
  }
};

// A gradient of 1.01 times what it is.
struct WrongGradient : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor z = product(x, call);
    return kept(custom_gradient(sin(z), {z}, [&](const Tensor& dy) { return 1.01 * dy * cos(z); }),
                call);
  }
};

// Its gradient is right, and is taken for a constant.
struct WrongSecondGradient : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor z = product(x, call);
    return kept(
        custom_gradient(sin(z), {z}, [&](const Tensor& dy) { return dy * stop_gradient(cos(z)); }),
        call);
  }
};

// A mean over all steps, those that do not count among them.
struct CountsPadding : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return with_mask(mean(with_mask(product(x, call), {}), 1), {});
  }
};

// Its output at a step that counts reads the one before, whether it counts or not.
struct ReadsPadding : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor y = with_mask(matmul(x, kernel), {});
    const Tensor before = slice(pad(y, 1, 1, 0), 1, 0, y.shape()[1]);
    return kept(y + 0.5 * before, call);
  }
};

// 0 times NaN: the gradient of its kernel adds up all steps.
struct SpreadsNaN : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(matmul(x, kernel), call);
  }
};

// Does not hand the mask on.
struct LosesTheMask : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return with_mask(product(x, call), {});
  }
};

// A setting that is in no option, as one that a constructor reads from elsewhere.
struct HiddenSetting : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(product(x, call) * number, call);
  }
  static double next() {
    static std::atomic<int> made{0};
    return 1 + 0.01 * made++;
  }
  double number = next();
};

// What it is described to be by default it may not be told to be.
struct ModeOptions {
  std::string mode = "";
};
void describe(auto& option, ModeOptions& o) {
  option("mode", o.mode, "Of the output.", one_of("plain|doubled"));
}
struct RefusesDefault : LayerOf<ModeOptions> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions&) const {
    return options.mode == "doubled" ? 2 * x : options.mode == "plain" ? 3 * x : x;
  }
};

// Its option is read by nobody.
struct FactorOptions {
  int units = 3;
  double factor = 1;
};
void describe(auto& option, FactorOptions& o) {
  option("units", o.units, "Size of the output.", at_least(1));
  option("factor", o.factor, "Of the output.");
}
struct IgnoresOption : Sound {
  IgnoresOption(FactorOptions o = {}) : Sound(Options{o.units}) {}
  using options_type = FactorOptions;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(product(x, call), call);
  }
  FactorOptions options{};
};

// No gradient reaches its second weight.
struct HalfTrained : Sound {
  using Sound::Sound;
  void build(Weights& add, const Shape& input) {
    Sound::build(add, input);
    bias = add("bias", {options.units}, zeros());
  }
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(product(x, call) + stop_gradient(bias), call);
  }
  Tensor bias;
};

// Each call adds to what the next one gives.
struct KeepsState : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) {
    return kept(product(x, call) * (1 + 0.125 * calls++), call);
  }
  int calls = 0;
};

// Training leaves something behind.
struct MarkedByTraining : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) {
    if (call.training) trained = 1;
    return kept(product(x, call) + (call.training ? 0 : trained), call);
  }
  int trained = 0;
};

// Something else in training.
struct OtherInTraining : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(product(x, call) * (call.training ? 1.5 : 1), call);
  }
};

// Random numbers of its own.
struct OwnRandomNumbers : Sound {
  using Sound::Sound;
  void build(Weights& add, const Shape& input) {
    Sound::build(add, input);
    static std::mt19937 engine;
    scale = add("scale", scalar(std::uniform_real_distribution<>(0.5, 1)(engine), add.dtype()));
  }
  Tensor call(const Tensor& x, const CallOptions& call) const {
    return kept(product(x, call) * scale, call);
  }
  Tensor scale;
};

// A sum whose terms depend on the number of threads.
struct ThreadsMatter : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor z = counted(x, call.mask);
    if (threads() == 1) return kept(matmul(z, kernel), call);
    const int64_t n = x.shape().back(), half = n / 2;
    return kept(matmul(slice(z, -1, 0, half), slice(kernel, 0, 0, half)) +
                    matmul(slice(z, -1, half, n), slice(kernel, 0, half, n)),
                call);
  }
};

// Sequences of a batch see each other.
struct MixesTheBatch : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const Tensor y = with_mask(product(x, call), {});
    return kept(y + 1e-3 * mean(y, 0, true), call);
  }
};

// A product with the step before: streamed, that step is always the first one, and Stream, which
// tries ones and zeros, cannot tell.
struct LooksBack : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    const int64_t time = x.shape()[1];
    const Tensor z = counted(x, call.mask), first = slice(z, 1, 0, 1);
    const Tensor before = time == 1 ? first : concat({first, slice(z, 1, 0, time - 1)}, 1);
    return kept(matmul(z * before, kernel), call);
  }
};

// A cell whose gradient forgets its input.
struct DeafCell : Cell<Options> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
  }
  Step step(const Tensor& x, const State& s) const {
    Tensor next = tanh(matmul(x, kernel) + 0.5 * s[0]);
    next = custom_gradient(next, {s[0]}, [&](const Tensor& dy) { return 0.5 * dy; });
    return {.output = next, .state = {next}};
  }
  Tensor kernel;
};

}  // namespace faulty

TEMPO_PLUGIN("faulty", "1.0.0", tempo::layer<faulty::SoundDense>("SoundDense"),
             tempo::layer<faulty::NeedsRow>("NeedsRow"),
             tempo::layer<faulty::NeedsValue>("NeedsValue"),
             tempo::layer<faulty::FixedBatch>("FixedBatch"),
             tempo::layer<faulty::FixedTime>("FixedTime"),
             tempo::layer<faulty::GivesFloat32>("GivesFloat32"),
             tempo::layer<faulty::WrongInFloat64>("WrongInFloat64"),
             tempo::layer<faulty::ThroughFloat32>("ThroughFloat32"),
             tempo::layer<faulty::WrongGradient>("WrongGradient"),
             tempo::layer<faulty::WrongSecondGradient>("WrongSecondGradient"),
             tempo::layer<faulty::CountsPadding>("CountsPadding"),
             tempo::layer<faulty::ReadsPadding>("ReadsPadding"),
             tempo::layer<faulty::SpreadsNaN>("SpreadsNaN"),
             tempo::layer<faulty::LosesTheMask>("LosesTheMask"),
             tempo::layer<faulty::HiddenSetting>("HiddenSetting"),
             tempo::layer<faulty::RefusesDefault>("RefusesDefault"),
             tempo::layer<faulty::IgnoresOption>("IgnoresOption"),
             tempo::layer<faulty::HalfTrained>("HalfTrained"),
             tempo::layer<faulty::KeepsState>("KeepsState"),
             tempo::layer<faulty::MarkedByTraining>("MarkedByTraining"),
             tempo::layer<faulty::OtherInTraining>("OtherInTraining"),
             tempo::layer<faulty::OwnRandomNumbers>("OwnRandomNumbers"),
             tempo::layer<faulty::ThreadsMatter>("ThreadsMatter"),
             tempo::layer<faulty::MixesTheBatch>("MixesTheBatch"),
             tempo::layer<faulty::LooksBack>("LooksBack"), tempo::cell<faulty::DeafCell>("Deaf"))
