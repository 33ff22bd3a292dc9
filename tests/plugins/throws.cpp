// SPDX-License-Identifier: Apache-2.0
// A plugin written with the SDK that fails wherever it is asked to, in each way there is.
#include <tempo/plugin.hpp>

using namespace tempo;

namespace {

struct MyError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void fail_as(const std::string& what) {
  if (what == "std") throw MyError("the valve is stuck");
  if (what == "tempo") throw FormatError("the valve has no format");
  if (what == "shape") matmul(ones({2, 3}), ones({4, 5}));
  throw 42;
}

struct Options {
  std::string where = "", what = "std";
};
void describe(auto& option, Options& o) {
  option("where", o.where, "Which callback fails.");
  option("what", o.what, "What it throws.");
}

class Valve {
 public:
  explicit Valve(const Options& o) : options_(o) { check("create"); }
  void check(const char* where) const {
    if (options_.where == where) fail_as(options_.what);
  }

 private:
  Options options_;
};

struct ThrowingLayer : LayerOf<Options> {
  ThrowingLayer(Options o = {}) : LayerOf(o), valve(options) {}
  void build(Weights&, const Shape&) { valve.check("build"); }
  Tensor call(const Tensor& x, const CallOptions&) {
    valve.check("call");
    return x;
  }
  void reset_state() { valve.check("reset"); }
  Valve valve;
};

struct ThrowingCell : Cell<Options> {
  ThrowingCell(Options o = {}) : Cell(o), valve(options) {}
  void build(Weights&, const Shape&) { valve.check("build"); }
  Shapes state_shapes(int64_t batch) const {
    valve.check("states");
    return {{batch, 2}};
  }
  Step step(const Tensor& x, const State& s) const {
    valve.check("step");
    return {.output = x, .state = s};
  }
  Valve valve;
};

template <const char* where>
struct ThrowingOp {
  static constexpr int n_inputs = 1;
  static void check(const OpCall& call, const std::string& here) {
    if (here == where) fail_as(call.text("what", "std"));
  }
  static OpType type(const OpCall& call) {
    check(call, "infer");
    return call.input(0);
  }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    check(call, "kernel");
    std::copy(x[0], x[0] + call.result().shape.count(), y);
  }
  static Tensor vjp(int, const Tensors&, const Tensor&, const Tensor& dy, const OpCall& call) {
    check(call, "vjp");
    return dy;
  }
};
constexpr char infer[] = "infer", kernel[] = "kernel", vjp[] = "vjp";

// Cells and ops that break no language rule, only Tempo's.
struct WrongOptions {
  int units = 3;
  std::string how = "";
};
void describe(auto& option, WrongOptions& o) {
  option("units", o.units, "Size of the state.");
  option("how", o.how, "What is wrong.");
}

struct WrongCell : Cell<WrongOptions> {
  using Cell::Cell;
  Shapes state_shapes(int64_t batch) const {
    if (options.how == "states without batch") return {{options.units}};
    return {{batch, options.units}};
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor& h = s[0];
    if (options.how == "two states") return {.output = h, .state = {h, h}};
    if (options.how == "wide state") return {.output = h, .state = {concat({h, h})}};
    if (options.how == "other dtype") return {.output = h, .state = {cast(h, float64)}};
    if (options.how == "no batch") return {.output = sum(x, 0), .state = s};
    if (options.how == "null output") return {.output = {}, .state = s};
    if (options.how == "null state") return {.output = h, .state = {Tensor{}}};
    return {.output = h, .state = s};
  }
};

// The gradient of a product with the shapes mixed up.
struct WrongGradient {
  static constexpr int n_inputs = 1;
  static OpType type(const OpCall& call) { return call.input(0); }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    std::copy(x[0], x[0] + call.result().shape.count(), y);
  }
  static Tensor vjp(int, const Tensors&, const Tensor&, const Tensor& dy, const OpCall& call) {
    return call.integer("none", 0) ? Tensor{} : transpose(dy);
  }
};

}  // namespace

TEMPO_PLUGIN("throws", "1.0.0", tempo::layer<ThrowingLayer>("ThrowingLayer"),
             tempo::cell<ThrowingCell>("ThrowingCell"), tempo::cell<WrongCell>("WrongCell"),
             tempo::op<ThrowingOp<infer>>("throws_infer"),
             tempo::op<ThrowingOp<kernel>>("throws_kernel"),
             tempo::op<ThrowingOp<vjp>>("throws_vjp"), tempo::op<WrongGradient>("wrong_gradient"))
