// SPDX-License-Identifier: Apache-2.0
// gradcheck of a layer: checks a copy of it in float64, with respect to its inputs, states,
// constants and weights, and with variations if the input is drawn.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <tempo/gradient.hpp>
#include <tempo/option.hpp>
#include <tempo/option_list.hpp>

#include "autograd/gradcheck.hpp"
#include "ops/defaults.hpp"

namespace tempo {

namespace {

constexpr const char* beside = "in float32, beside float64";

// As float64; each floating tensor becomes a leaf named "input", or "input 0" if there are several.
Tensors checked_leaves(const char* name, const Tensors& given, std::vector<Leaf>& leaves,
                       bool in_time = false) {
  Tensors out;
  for (const Tensor& t : given) {
    out.push_back(is_floating(t.dtype()) ? parameter(cast(t, float64)) : t);
    const std::string number = given.size() > 1 ? " " + std::to_string(out.size() - 1) : "";
    if (out.back().tracked())
      leaves.push_back({name + number, out.back(), in_time && t.rank() > 2});
  }
  return out;
}

Shapes shapes_of(const Tensors& x) {
  Shapes shapes;
  for (const Tensor& t : x) shapes.push_back(t.shape());
  return shapes;
}

// The layer itself; a cell is wrapped in an RNN that returns all outputs and states.
Layer running(const Layer& given) {
  if (!given.is_cell()) return given;
  return layer("RNN",
               {{"cell", given.handle()}, {"return_sequences", true}, {"return_state", true}});
}

// Each call draws the same random numbers, and none continues from the states of another.
Tensors called(const Layer& layer, const Tensors& x, const CallOptions& call, int64_t seed) {
  GeneratorState state{seed, 0};
  const OwnGenerator own(state);
  layer.reset_state();
  return layer.call(x, call);
}

Layer built(const Layer& original, const Tensors& x, DType dtype, int64_t seed) {
  GeneratorState state{seed, 0};
  const OwnGenerator own(state);
  const Layer made = recreated(original, {{"dtype", dtype}});
  made.build(shapes_of(x), dtype);
  return made;
}

// A float64 copy of a layer, with the arguments of its calls.
class LayerCheck {
 public:
  LayerCheck(const Layer& layer, const Tensors& inputs, const GradCheckOptions& options)
      : x_(checked_leaves("input", inputs, leaves_, true)),
        states_(checked_leaves("initial state", options.initial_state, leaves_)),
        constants_(checked_leaves("constant", options.constants, leaves_)),
        call_{.training = options.training,
              .mask = options.mask,
              .initial_state = State(states_),
              .constants = constants_},
        seed_(options.seed),
        layer_(built(layer, x_, float64, options.seed)) {
    for (const Tensor& w : layer_.trainable_weights()) leaves_.push_back({w.path(), w});
  }
  Tensors results() const { return called(layer_, x_, call_, seed_); }
  const std::vector<Leaf>& leaves() const { return leaves_; }

 private:
  std::vector<Leaf> leaves_;
  Tensors x_, states_, constants_;
  CallOptions call_;
  int64_t seed_;
  Layer layer_;
};

// Whether the layer's type describes an option of this name.
bool describes(const Layer& layer, const char* option) {
  return sdk::described(*layer.view().type, option) != nullptr;
}

// Random inputs of a shape: numbers, or ids if the layer has the option input_dim.
Tensors drawn(const Layer& layer, const Shape& shape, double size, int64_t seed) {
  const tempo_attribute* const ids = sdk::given(layer, "input_dim");
  if (ids && ids->integer > 0)
    return {
        cast(random_uniform(shape, 0, static_cast<double>(ids->integer), float64, seed), int64)};
  return {size * random_normal(shape, 0, 1, float64, seed)};
}

// One way to call a layer, and its name in the report.
struct Variation {
  std::string when;
  Shape shape;
  double size = 1;
  bool training = false, masked = false, from_state = false;
};

std::vector<Variation> variations(const Layer& layer, const Shape& shape) {
  std::vector<Variation> all{{"in training", shape, 1, true, false, false}};
  if (shape.rank() == 0) return all;
  const auto sized = [&](int64_t batch, int64_t time, int64_t more_features, double size) {
    Shape s = shape;
    s[0] = batch;
    if (s.rank() > 2) s[1] = time;
    if (s.rank() > 1) s[-1] += more_features;
    all.push_back({"of " + to_string(s) + " of size " + std::to_string(size).substr(0, 4), s, size,
                   false, false, false});
  };
  const int64_t time = shape.rank() > 2 ? shape[1] : 1;
  sized(1, time, 0, 5);
  sized(shape[0] + 1, time + 3, 0, 0.05);
  sized(2, 2, 1, 1);
  if (shape.rank() > 2) {
    sized(2, 1, 0, 1);
    all.push_back({"with a mask", shape, 1, false, true, false});
  }
  if (describes(layer, "return_state") && describes(layer, "go_backwards"))
    all.push_back({"from an initial state", shape, 1, false, false, true});
  return all;
}

// Random values of the types of the states that the layer returns.
State states_of(const Layer& original, const Tensors& x, const GradCheckOptions& options) {
  const Layer giving = recreated(original, {{"return_state", true}, {"dtype", float64}});
  const Tensors results = called(giving, x, {.constants = options.constants}, options.seed);
  State out;
  for (std::size_t i = 1; i < results.size(); ++i)
    out.push_back(random_normal(results[i].shape(), 0, 1, float64,
                                options.seed + 20 + static_cast<int64_t>(i)));
  return out;
}

// Masks every third step of each sequence, and all but the first step of the last sequence.
Tensor mask_of_shape(const Shape& shape) {
  std::vector<int64_t> counts;
  for (int64_t row = 0; row < shape[0]; ++row)
    for (int64_t t = 0; t < shape[1]; ++t)
      counts.push_back(row + 1 == shape[0] && row > 0 ? t == 0 : (row + t) % 3 != 2);
  return tensor(counts, {shape[0], shape[1]}, bool_);
}

// A call in one dtype: the leaves of its gradient, and its results.
struct Called {
  std::vector<Leaf> leaves;
  Tensors results;
};
Called called_in(DType dtype, const Layer& layer, const Tensors& inputs, int64_t seed) {
  Called made;
  Tensors x;
  for (const Tensor& t : inputs) {
    x.push_back(is_floating(t.dtype()) ? parameter(cast(cast(t, float32), dtype)) : t);
    if (x.back().tracked()) made.leaves.push_back({"input", x.back()});
  }
  for (const Tensor& w : layer.trainable_weights()) made.leaves.push_back({w.path(), w});
  made.results = called(layer, x, {}, seed);
  return made;
}

Tensors gradients_of(const Called& made, int64_t seed) {
  Tensors of;
  for (const Leaf& leaf : made.leaves) of.push_back(leaf.weight);
  Tensor total;
  for (const Tensor& y : made.results) {
    if (!is_floating(y.dtype())) continue;
    const Tensor part = sum(y * cast(random_normal(y.shape(), 0, 1, float32, ++seed), y.dtype()));
    total = total ? total + cast(part, total.dtype()) : part;
  }
  return of.empty() || !total || !total.tracked() ? Tensors{} : gradient(total, of);
}

// Compares gradients in float32 with those in float64, for the same weights and inputs.
void compare_float32(const Called& exact, const Called& coarse, int64_t seed, GradCheck& report) {
  constexpr double tolerance = 2e-3;  // of the tensor's scale
  const Tensors expected = gradients_of(exact, seed), got = gradients_of(coarse, seed);
  if (got.size() != expected.size())
    throw Error("gradcheck: in float32 it has " + std::to_string(got.size()) +
                " gradients, and in float64 " + std::to_string(expected.size()) + ".");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    GradCheck::Row row{
        .order = 1, .input = exact.leaves[i].name, .shape = expected[i].shape(), .when = beside};
    const std::vector<double> a = expected[i].to_vector(), b = got[i].to_vector();
    double scale = 0;
    for (const double g : a)
      if (std::isfinite(g)) scale = std::max(scale, std::abs(g));
    for (std::size_t k = 0; k < a.size(); ++k) {
      const double off = std::abs(a[k] - b[k]);
      if (off <= tolerance * scale) continue;
      double error = scale > 0 ? off / scale : 1;
      if (!std::isfinite(error)) error = std::numeric_limits<double>::infinity();
      if (error <= row.error) continue;
      row.error = error;
      row.element = static_cast<int64_t>(k);
      row.gradient = b[k];
      row.difference = a[k];
      row.step = 1;
      if (!std::isfinite(b[k])) row.fault = "the gradient is not finite";
    }
    add_row(report, std::move(row));
  }
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void take_in(GradCheck& report, const std::string& when, const GradCheck& more) {
  report.varied.push_back(when);
  for (GradCheck::Row row : more.rows) {
    row.when = when;
    if (row.judged)
      add_row(report, std::move(row));
    else  // at sizes that the user did not ask for, the gradient may be too small
      report.refused.push_back(when + ": the gradient of " + row.input + ": " +
                               first_line(row.fault));
  }
}

bool are_finite(const Tensors& all) {
  for (const Tensor& t : all)
    for (const double value : is_floating(t.dtype()) ? t.to_vector() : std::vector<double>())
      if (!std::isfinite(value)) return false;
  return true;
}

// An error of the call is a refusal, and the report lists it as one. An error of the check after it
// is a fault.
void vary(const std::string& when, const std::function<void()>& call,
          const std::function<void()>& check, GradCheck& report) {
  try {
    call();
  } catch (const PluginError& why) {  // a plugin broke the rules for all layers
    add_row(report, {.input = "the layer", .when = when, .error = 1, .fault = why.what()});
    return;
  } catch (const Error& why) {
    report.refused.push_back(when + ": " + first_line(why.what()));
    return;
  }
  try {
    check();
  } catch (const Error& why) {
    add_row(report, {.input = "the layer", .when = when, .error = 1, .fault = why.what()});
  }
}

void check_varied(const Layer& original, const Shape& shape, const GradCheckOptions& options,
                  GradCheck& report) {
  for (const Variation& v : variations(original, shape)) {
    GradCheckOptions its = options;
    Tensors x;
    const auto call = [&] {
      x = drawn(original, v.shape, v.size, options.seed + 5);
      its.training = v.training || options.training;
      if (v.masked) its.mask = mask_of_shape(v.shape);
      if (v.from_state) its.initial_state = states_of(original, x, options);
      const Tensors results = LayerCheck(original, x, its).results();
      if (v.size > 1 && !are_finite(results))
        throw Error("its results are not finite where its inputs are so large.");
    };
    const auto check = [&] { take_in(report, v.when, gradcheck(original, x, its)); };
    vary(v.when, call, check, report);
  }
  if (!options.constants.empty()) return;
  Called exact, coarse;
  const auto call = [&] {
    const Tensors x = drawn(original, shape, 1, options.seed);
    const Layer wide = built(original, x, float64, options.seed),
                narrow = built(original, x, float32, options.seed);
    const Tensors weights = wide.weights(), same = narrow.weights();
    for (std::size_t i = 0; i < weights.size(); ++i)
      assign(same[i], cast(weights[i], same[i].dtype()));
    exact = called_in(float64, wide, x, options.seed);
    coarse = called_in(float32, narrow, x, options.seed);
  };
  const auto check = [&] {
    compare_float32(exact, coarse, options.seed, report);
    report.varied.emplace_back("in float32");
  };
  vary("in float32", call, check, report);
}

}  // namespace

GradCheck gradcheck(const Layer& layer, const Tensors& inputs, const GradCheckOptions& options) {
  const LayerCheck check(running(layer), inputs, options);
  return check_gradients([&] { return check.results(); }, check.leaves(), options);
}

GradCheck gradcheck(const Layer& layer, const Shape& input, const GradCheckOptions& options) {
  const Layer runs = running(layer);
  GradCheck report = gradcheck(runs, drawn(runs, input, 1, options.seed), options);
  if (options.vary && report.passed()) check_varied(runs, input, options, report);
  return report;
}

}  // namespace tempo
