// SPDX-License-Identifier: Apache-2.0
// Layers, cells and ops that handle counts, memory or their process in a wrong way each, or that
// are slower than they need be. What each does is said above it.
#include <pthread.h>

#include <atomic>
#include <clocale>
#include <csignal>
#include <cstdio>

#include <tempo/plugin.hpp>

namespace broken {

using namespace tempo;

struct Options {
  int units = 3;
};
void describe(auto& option, Options& o) {
  option("units", o.units, "Size of the output.", between(1, 1000));
}

struct Sound : LayerOf<Options> {
  using LayerOf::LayerOf;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), options.units}, glorot_uniform());
  }
  Tensor call(const Tensor& x, const CallOptions&) const { return matmul(x, kernel); }
  Tensor kernel;
};

// --- handles

// A count of its kernel more at each call.
struct KeepsACount : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    (void)kernel.retained();
    return Sound::call(x, call);
  }
};
struct KeepsALayer : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    sdk::host().retain_layer((new Layer(layer("Flatten")))->handle());
    return Sound::call(x, call);
  }
};
// Gives back a count that is the caller's.
struct ReleasesItsInput : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    tempo_tensor* const handle = x.handle();
    Tensor y = Sound::call(x, call);
    sdk::host().release(handle);
    sdk::host().release(handle);
    return y;
  }
};
// Keeps a handle without a count of it until the next call.
struct KeepsABorrowedHandle : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    static tempo_tensor* before = nullptr;
    tempo_view view{};
    view.size = sizeof view;
    if (before) sdk::host().view(before, &view);
    before = x.handle();
    return Sound::call(x, call);
  }
};
// Takes an address of its own for a tensor.
struct MakesUpAHandle : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    static int64_t mine[64];
    sdk::host().finish(reinterpret_cast<tempo_tensor*>(mine));
    return Sound::call(x, call);
  }
};
// Goes on when the host says no.
struct IgnoresFailures : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    tempo_tensor* key = nullptr;
    (void)sdk::host().random_key(3, &key);
    const Tensor its(key);
    return Sound::call(x, call);
  }
};
// And reads what was never made.
struct CrashesWhereTheHostFails : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    tempo_tensor* key = nullptr;
    (void)sdk::host().random_key(3, &key);
    if (!key) std::raise(SIGSEGV);
    const Tensor its(key);
    return Sound::call(x, call);
  }
};

// --- the process

struct Prints : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    std::puts("Prints is called.");
    return Sound::call(x, call);
  }
};
struct Translates : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    std::setlocale(LC_NUMERIC, "C.UTF-8");
    return Sound::call(x, call);
  }
};
struct BlocksSignals : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions& call) const {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return Sound::call(x, call);
  }
};

// --- speed

struct CellWeights : Cell<Options> {
  using Cell::Cell;
  void build(Weights& add, const Shape& input) {
    const int units = options.units;
    kernel = add("kernel", {input.back(), units}, glorot_uniform());
    first = add("first", {units, units}, orthogonal());
    second = add("second", {units, units}, orthogonal());
  }
  Tensor kernel, first, second;
};
// One product of the sum of what reads the state and what does not.
struct AddsBeforeItsProduct : CellWeights {
  using CellWeights::CellWeights;
  Step step(const Tensor& x, const State& s) const {
    const Tensor h = tanh(matmul(sigmoid(matmul(x, kernel)) + s[0], first) + matmul(s[0], second));
    return {.output = h, .state = {h}};
  }
};
// The same left side, computed for each of two products.
struct ComputesItTwice : CellWeights {
  using CellWeights::CellWeights;
  Step step(const Tensor& x, const State& s) const {
    const Tensor gate = sigmoid(matmul(sigmoid(s[0]), first));
    const Tensor h = tanh(matmul(x, kernel) + gate * matmul(sigmoid(s[0]), second));
    return {.output = h, .state = {h}};
  }
};
// A sum along the features, one after the other, at each step.
struct AddsUp : CellWeights {
  using CellWeights::CellWeights;
  Step step(const Tensor& x, const State& s) const {
    const Tensor h = tanh(cumsum(matmul(x, kernel) + matmul(s[0], first), -1));
    return {.output = h, .state = {h}};
  }
};
// A scan without a step_id.
struct TracesEachTime : Sound {
  using Sound::Sound;
  Tensor call(const Tensor& x, const CallOptions&) const {
    const auto step = [&](const Tensor& now, const State& s) -> Step {
      const Tensor h = tanh(matmul(now, kernel) + s[0]);
      return {.output = h, .state = {h}};
    };
    return scan(step, x, {zeros({x.shape()[0], options.units}, x.dtype())}).output;
  }
};

// --- ops: y = x^2

struct SoundSquare {
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
// Each seventh type has the other floating dtype: no build asks for seven types for one result.
struct ChangesItsType : SoundSquare {
  static OpType type(const OpCall& call) {
    static int n = 0;
    OpType its = SoundSquare::type(call);
    if (++n % 7 == 0) its.dtype = its.dtype == float32 ? float64 : float32;
    return its;
  }
};
struct WritesPastTheEnd : SoundSquare {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    SoundSquare::kernel(call, x, y);
    volatile T* const end = y + call.result().shape.count();
    *end = 0;
  }
};
struct WritesBeforeTheBeginning : SoundSquare {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    SoundSquare::kernel(call, x, y);
    volatile T* const before = y - 1;
    *before = *before;
  }
};
struct ReadsPastTheEnd : SoundSquare {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    SoundSquare::kernel(call, x, y);
    const volatile T* const end = x[0] + call.result().shape.count();
    (void)*end;
  }
};
struct WritesItsInput : SoundSquare {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    SoundSquare::kernel(call, x, y);
    volatile T* const first = const_cast<T*>(x[0]);
    if (call.result().shape.count() > 0) *first = x[0][0];
  }
};
struct LeavesTheLast : SoundSquare {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    for (int64_t i = 0; i + 1 < call.result().shape.count(); ++i) y[i] = x[0][i] * x[0][i];
  }
};
struct AddsToItsResult : SoundSquare {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] += x[0][i] * x[0][i];
  }
};
struct WrongOfFloat32 : SoundSquare {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    SoundSquare::kernel(call, x, y);
    if (sizeof(T) == 4)
      for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] *= T(1.001);
  }
};
// Another factor on each thread.
struct KeepsAThreadsNumber : SoundSquare {
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    static std::atomic<int> threads{0};
    thread_local const int mine = threads++;
    SoundSquare::kernel(call, x, y);
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] += static_cast<T>(mine);
  }
};
// Large gradients are cut off.
struct CutsGradients : SoundSquare {
  static Tensor vjp(int, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall&) {
    return 2 * x[0] * clip(dy, -100, 100);
  }
};
struct KeepsADy : SoundSquare {
  static Tensor vjp(int, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall&) {
    (void)dy.retained();
    return 2 * x[0] * dy;
  }
};
// y = a b, of which the second gradient depends on whether the first was asked for.
struct RemembersTheFirst {
  static constexpr int n_inputs = 2;
  static OpType type(const OpCall& call) {
    const OpType a = call.input(0), b = call.input(1);
    if (!is_floating(a.dtype) || a.shape != b.shape || a.dtype != b.dtype)
      throw ShapeError("needs two alike");
    return a;
  }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 2>& x, T* y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] = x[0][i] * x[1][i];
  }
  static Tensor vjp(int i, const Tensors& x, const Tensor&, const Tensor& dy, const OpCall&) {
    static bool had_first = false;
    if (i == 0) {
      had_first = true;
      return x[1] * dy;
    }
    const double factor = had_first ? 1 : 2;
    had_first = false;
    return factor * x[0] * dy;
  }
};

}  // namespace broken

#define LAYER(name) tempo::layer<broken::name>(#name, "Broken.")
#define CELL(name) tempo::cell<broken::name>(#name, "Broken.")
#define OP(name) tempo::op<broken::name>("owned_" #name, "Broken.")
TEMPO_PLUGIN("broken_ownership", "1.0.0", tempo::layer<broken::Sound>("Healthy", "Has no fault."),
             LAYER(KeepsACount), LAYER(KeepsALayer), LAYER(ReleasesItsInput),
             LAYER(KeepsABorrowedHandle), LAYER(MakesUpAHandle), LAYER(IgnoresFailures),
             LAYER(CrashesWhereTheHostFails), LAYER(Prints), LAYER(Translates),
             LAYER(BlocksSignals), CELL(AddsBeforeItsProduct), CELL(ComputesItTwice), CELL(AddsUp),
             LAYER(TracesEachTime), OP(SoundSquare), OP(ChangesItsType), OP(WritesPastTheEnd),
             OP(WritesBeforeTheBeginning), OP(ReadsPastTheEnd), OP(WritesItsInput),
             OP(LeavesTheLast), OP(AddsToItsResult), OP(WrongOfFloat32), OP(KeepsAThreadsNumber),
             OP(CutsGradients), OP(KeepsADy), OP(RemembersTheFirst))
