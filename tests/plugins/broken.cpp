// SPDX-License-Identifier: Apache-2.0
// Layers and ops with one fault each that ends a process, or leaves something behind in it, for
// `tempo check` to find. What each does wrong is said above it.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <tempo/plugin.hpp>

namespace broken {

using namespace tempo;

struct Options {
  int units = 3;
};
void describe(auto& option, Options& o) {
  option("units", o.units, "Size of the output.", between(1, 1000));
}

[[gnu::noinline]] void crash() { std::raise(SIGSEGV); }

// A dense layer without a fault.
struct Sound : LayerOf<Options> {
  using LayerOf::LayerOf;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
  }
  Tensor call(const Tensor& x, const CallOptions&) const { return matmul(x, kernel); }
  Tensor kernel;
};

// Null pointers of its own, in each callback.
struct CrashesInCreate : Sound {
  CrashesInCreate(Options o = {}) : Sound(o) { crash(); }
};
struct CrashesInBuild : Sound {
  using Sound::Sound;
  void build(Weights&, const Shape&) { crash(); }
};
struct CrashesInCall : Sound {
  using Sound::Sound;
  Tensor call(const Tensor&, const CallOptions&) const { return crash(), Tensor(); }
};
struct CrashesInDestroy : Sound {
  using Sound::Sound;
  ~CrashesInDestroy() { crash(); }
};

// Ends the process as if all were well.
struct ExitsInCall : Sound {
  using Sound::Sound;
  Tensor call(const Tensor&, const CallOptions&) const { std::exit(0); }
};
struct AbortsInCall : Sound {
  using Sound::Sound;
  Tensor call(const Tensor&, const CallOptions&) const { std::abort(); }
};
// An exception that leaves a function which says that none does.
struct Terminates : Sound {
  using Sound::Sound;
  static void fails() { throw std::runtime_error("not caught"); }
  static void careless() noexcept { fails(); }
  Tensor call(const Tensor&, const CallOptions&) const { return careless(), Tensor(); }
};
// (A sanitizer would end the process with words of its own.)
#define TEMPO_UNSANITIZED __attribute__((no_sanitize("undefined")))
struct DividesByZero : Sound {
  using Sound::Sound;
  TEMPO_UNSANITIZED Tensor call(const Tensor& x, const CallOptions&) const {
    volatile int zero = 0;
    return x * static_cast<double>(7 / zero);
  }
};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
struct OverflowsTheStack : Sound {
  using Sound::Sound;
  [[gnu::noinline]] static int deeper(volatile int* n) {
    volatile int here[1000] = {*n};
    return *n < 0 ? 0 : deeper(here) + here[0];
  }
  Tensor call(const Tensor& x, const CallOptions&) const {
    volatile int n = 0;
    return x * static_cast<double>(deeper(&n));
  }
};
#pragma GCC diagnostic pop

// Reads the second axis, which an input may not have.
struct CrashesOnOneAxis : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    if (x.rank() < 2) crash();
    return Sound::call(x, call);
  }
  void build(Weights& add, const Shape& input) {
    if (!input.empty()) Sound::build(add, input);
  }
};
// Divides by the number of sequences.
struct CrashesOnNoSequences : Sound {
  using Sound::Sound;
  TEMPO_UNSANITIZED Tensor call(const Tensor& x, const CallOptions& call) const {
    volatile int64_t batch = x.shape().empty() ? 1 : x.shape()[0];
    return Sound::call(x, call) * static_cast<double>(batch / batch);
  }
};
// Sizes an array of its own by an option without a limit.
struct WidthOptions {
  int width = 3;
};
void describe(auto& option, WidthOptions& o) { option("width", o.width, "Of a table."); }
struct CrashesOnItsOption : LayerOf<WidthOptions> {
  CrashesOnItsOption(WidthOptions o = {}) : LayerOf(o) {
    if (options.width < 0) crash();
  }
  Tensor call(const Tensor& x, const CallOptions&) const { return x; }
};

// Keeps a count of its result, or memory of its own, at each call.
struct LeaksTensors : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    Tensor y = Sound::call(x, call);
    (void)y.retained();
    return y;
  }
};
struct LeaksMemory : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    volatile double* mine = new double[50];
    mine[0] = 1;
    return Sound::call(x, call);
  }
};

// Keeps for each thread what is to be the same for all.
struct KeepsAVariable : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    static std::atomic<int> threads{0};
    thread_local const int mine = threads++;
    return Sound::call(x, call) + mine;
  }
};

// No summary is given to it below, and its option has no sentence.
struct SilentOptions {
  int units = 3;
};
void describe(auto& option, SilentOptions& o) { option("units", o.units, ""); }
struct SaysNothing : LayerOf<SilentOptions> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const CallOptions&) const { return x; }
};

// A cell that crashes in its step.
struct CrashingCell : Cell<Options> {
  using Cell::Cell;
  Step step(const Tensor& x, const State& s) const {
    crash();
    return {.output = x, .state = s};
  }
};

// y = x^2, of which each op has one thing wrong.
struct SoundOp {
  static constexpr int n_inputs = 1;
  static OpType type(const OpCall& call) {
    if (!is_floating(call.input(0).dtype)) throw ShapeError("needs float32 or float64");
    return call.input(0);
  }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] = x[0][i] * x[0][i];
  }
  static Tensor vjp(int, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall&) {
    return 2 * x[0] * dy;
  }
};
struct CrashingOp : SoundOp {
  template <class T>
  static void kernel(const OpCall&, const std::array<const T*, 1>&, T*) {
    crash();
  }
};
struct WrongGradientOp : SoundOp {
  static Tensor vjp(int, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall&) {
    return x[0] * dy;
  }
};
struct CrashingGradientOp : SoundOp {
  static Tensor vjp(int, const Tensors&, const Tensor&, const Tensor& dy, const OpCall&) {
    crash();
    return dy;
  }
};
// Leaves out the last element of its result.
struct UnwrittenOp : SoundOp {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    static T other = 0;
    SoundOp::kernel(call, x, y);
    y[call.result().shape.count() - 1] = ++other;
  }
};
struct NoGradientOp {
  static constexpr int n_inputs = 1;
  static OpType type(const OpCall& call) { return SoundOp::type(call); }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    SoundOp::kernel(call, x, y);
  }
};
// Changes how all that follows is rounded.
struct RoundsUpOp : SoundOp {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    SoundOp::kernel(call, x, y);
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x4000);
#endif
  }
};

}  // namespace broken

#define LAYER(name) tempo::layer<broken::name>(#name, "Broken.")
#define OP(name) tempo::op<broken::name>("broken_" #name, "Broken.")
TEMPO_PLUGIN("broken", "1.0.0", LAYER(Sound), LAYER(CrashesInCreate), LAYER(CrashesInBuild),
             LAYER(CrashesInCall), LAYER(CrashesInDestroy), LAYER(ExitsInCall), LAYER(AbortsInCall),
             LAYER(Terminates), LAYER(DividesByZero), LAYER(OverflowsTheStack),
             LAYER(CrashesOnOneAxis), LAYER(CrashesOnNoSequences), LAYER(CrashesOnItsOption),
             LAYER(LeaksTensors), LAYER(LeaksMemory), LAYER(KeepsAVariable),
             tempo::layer<broken::SaysNothing>("SaysNothing"),
             tempo::cell<broken::CrashingCell>("CrashingCell", "Broken."), OP(SoundOp),
             OP(CrashingOp), OP(WrongGradientOp), OP(CrashingGradientOp), OP(UnwrittenOp),
             OP(NoGradientOp), OP(RoundsUpOp))
