// SPDX-License-Identifier: Apache-2.0
// What plugins can have besides formulas: state that a file keeps, earlier options, promised
// shapes, functions by name. For a plugin and for the tests that link the same source.
#pragma once

#include <tempo/plugin.hpp>

namespace rich {

using namespace tempo;

struct MeterOptions {
  double scale = 1;
  bool breaks_at_load = false;
};
void describe(auto& option, MeterOptions& o) {
  option("scale", o.scale, "What the sum of all calls is multiplied by.");
  option("breaks_at_load", o.breaks_at_load, "Whether it refuses what it kept.");
}

// x + scale * (the sum of what it was given before): a count and a tensor that are no weights. Its
// option was called `factor` in version 1, and had no name of its own in version 0.
struct Meter : LayerOf<MeterOptions> {
  using LayerOf::LayerOf;
  static constexpr int version = 2;

  static void migrate(OldOptions& old) {
    old.rename("factor", "scale");
    old.remove("colour");
    if (old.version() == 0) old.set({"scale", 3.0});
  }
  void keep_state(Kept& keep) {
    if (keep.is_put_back() && options.breaks_at_load) throw Error("the needle is stuck");
    keep("calls", calls);
    keep("sum", sum);
  }
  Tensor call(const Tensor& x, const tempo::CallOptions& call) {
    if (!call.training) return sum ? x + options.scale * sum : x;
    ++calls;
    const Tensor added = mean(stop_gradient(x));
    if (!added.traced()) sum = sum ? sum + added : added;
    return x;
  }
  void reset_state() { sum = Tensor{}; }
  static const void* extension(const char* id) {
    static const int answer = 42;
    return std::string_view(id) == "rich.answer/1" ? &answer : nullptr;
  }

  int64_t calls = 0;
  Tensor sum;
};

struct PromiseOptions {
  int more = 0;
};
void describe(auto& option, PromiseOptions& o) {
  option("more", o.more, "How many features more it promises than it gives.");
}
struct Promise : LayerOf<PromiseOptions> {
  using LayerOf::LayerOf;
  Shapes output_shapes(const Shapes& inputs) const {
    Shape out = inputs.at(0);
    out[-1] = 2 * out[-1] + options.more;
    return {out};
  }
  Tensor call(const Tensor& x, const tempo::CallOptions&) { return concat({x, x}, -1); }
};

struct NoOptionsOfIts {};
void describe(auto&, NoOptionsOfIts&) {}
// A layer of a name that Tempo has, too.
struct Dense : LayerOf<NoOptionsOfIts> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& x, const tempo::CallOptions&) { return 2 * x; }
};

struct SwooshOptions {
  double beta = 1;
  int power = 1;
  bool negative = false;
  std::string mode = "plain";
};
void describe(auto& option, SwooshOptions& o) {
  option("beta", o.beta, "The steepness.", at_least(0));
  option("power", o.power, "Of it all.", between(1, 3));
  option("negative", o.negative, "Whether it is turned round.");
  option("mode", o.mode, "How.", one_of("plain|double"));
}
struct Swoosh : FunctionOf<SwooshOptions> {
  using FunctionOf::FunctionOf;
  Tensor operator()(const Tensor& x) const {
    Tensor y = pow(x * sigmoid(options.beta * x), options.power);
    if (options.mode == "double") y = 2 * y;
    return options.negative ? -y : y;
  }
};
// A name that Tempo has, too.
struct Relu : FunctionOf<Optionless> {
  using FunctionOf::FunctionOf;
  Tensor operator()(const Tensor& x) const { return 100 * x; }
};

struct StripesOptions {
  double high = 2;
};
void describe(auto& option, StripesOptions& o) { option("high", o.high, "Every second value."); }
struct Stripes : FunctionOf<StripesOptions> {
  using FunctionOf::FunctionOf;
  Tensor operator()(const Shape& shape, DType dtype, const Tensor& key) const {
    if (options.high < 0) return random_normal_of(shape, dtype, key);
    std::vector<double> values(static_cast<std::size_t>(shape.count()));
    for (std::size_t i = 1; i < values.size(); i += 2) values[i] = options.high;
    return tensor(values, shape, dtype);
  }

 private:
  static Tensor random_normal_of(const Shape& shape, DType dtype, const Tensor& key) {
    static const sdk::Op op("random_normal");
    return op(key, {{"shape", shape}, {"dtype", dtype}});
  }
};

struct QuarticOptions {
  double weight = 1;
};
void describe(auto& option, QuarticOptions& o) { option("weight", o.weight, "Of it."); }
struct Quartic : FunctionOf<QuarticOptions> {
  using FunctionOf::FunctionOf;
  Tensor operator()(const Tensor& y, const Tensor& p) const {
    return options.weight * mean(pow(y - p, 4), -1);
  }
};
struct Within : FunctionOf<QuarticOptions> {  // the share of predictions that are that near
  using FunctionOf::FunctionOf;
  Tensor operator()(const Tensor& y, const Tensor& p) const {
    return mean(cast(abs(y - p) <= options.weight, p.dtype()), -1);
  }
};

struct HeavyOptions {
  double momentum = 0.9;
};
void describe(auto& option, HeavyOptions& o) {
  option("momentum", o.momentum, "What stays of the last step.", between(0, 1));
}
struct Heavy : FunctionOf<HeavyOptions> {
  using FunctionOf::FunctionOf;
  static constexpr const char* slots = "velocity|count";
  Tensors operator()(const Tensor& w, const Tensor& g, const Tensor& rate, const Tensor& update,
                     const Tensors& s) const {
    const Tensor v = options.momentum * s[0] - rate * g;
    return {w + v, v, s[1] + update};
  }
};
struct Shrinks : FunctionOf<Optionless> {
  using FunctionOf::FunctionOf;
  Tensors operator()(const Tensor& w, const Tensor&, const Tensor&, const Tensor&,
                     const Tensors&) const {
    return {sum(w)};
  }
};

inline const void* extension(void*, const char* id) {
  static const char text[] = "rich indeed";
  return std::string_view(id) == "rich.text/1" ? text : nullptr;
}

}  // namespace rich
