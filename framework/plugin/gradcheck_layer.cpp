// SPDX-License-Identifier: Apache-2.0
// gradcheck of a layer: a copy of it in float64, with respect to its inputs, states, constants and
// weights; and what is varied where its input is drawn.
#include <algorithm>
#include <cmath>

#include <tempo/gradient.hpp>
#include <tempo/option.hpp>
#include <tempo/option_list.hpp>

#include "autograd/gradcheck.hpp"
#include "ops/defaults.hpp"

namespace tempo {

namespace {

// In float64, each floating one a leaf by this name; "input", or "input 0" of several.
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

// A cell runs in a layer, which gives all that it makes.
Layer running(const Layer& given) {
  if (!given.is_cell()) return given;
  return layer("RNN",
               {{"cell", given.handle()}, {"return_sequences", true}, {"return_state", true}});
}

// The same numbers are drawn at each call, and no call goes on where another one ended.
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

// Whether a layer's option of this name has this value, or its types describe one at all.
bool describes(const Layer& layer, const char* option) {
  return sdk::described(*layer.view().type, option) != nullptr;
}

// Inputs of a shape: numbers, or, of a layer that says how many of them there are, ids.
Tensors drawn(const Layer& layer, const Shape& shape, double size, int64_t seed) {
  const tempo_attribute* const ids = sdk::given(layer, "input_dim");
  if (ids && ids->integer > 0)
    return {
        cast(random_uniform(shape, 0, static_cast<double>(ids->integer), float64, seed), int64)};
  return {size * random_normal(shape, 0, 1, float64, seed)};
}

// One way of calling a layer, and what the report calls it.
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

// Random states of those that it gives.
State states_of(const Layer& original, const Tensors& x, const GradCheckOptions& options) {
  const Layer giving = recreated(original, {{"return_state", true}, {"dtype", float64}});
  const Tensors results = called(giving, x, {.constants = options.constants}, options.seed);
  State out;
  for (std::size_t i = 1; i < results.size(); ++i)
    out.push_back(random_normal(results[i].shape(), 0, 1, float64,
                                options.seed + 20 + static_cast<int64_t>(i)));
  return out;
}

// Every third step of each sequence is left out, and all but the first of the last one.
Tensor mask_of_shape(const Shape& shape) {
  std::vector<int64_t> counts;
  for (int64_t row = 0; row < shape[0]; ++row)
    for (int64_t t = 0; t < shape[1]; ++t)
      counts.push_back(row + 1 == shape[0] && row > 0 ? t == 0 : (row + t) % 3 != 2);
  return tensor(counts, {shape[0], shape[1]}, bool_);
}

// Its gradients in float32 beside those in float64, at the same weights and inputs.
void check_float32(const Layer& original, const Tensors& inputs, const GradCheckOptions& options,
                   GradCheck& report) {
  constexpr double tolerance = 2e-3;  // of the tensor's scale
  const Layer exact = built(original, inputs, float64, options.seed),
              coarse = built(original, inputs, float32, options.seed);
  const Tensors weights = exact.weights(), same = coarse.weights();
  for (std::size_t i = 0; i < weights.size(); ++i)
    assign(same[i], cast(weights[i], same[i].dtype()));
  const auto gradients = [&](const Layer& layer, DType dtype, std::vector<Leaf>& leaves) {
    Tensors x, of;
    for (const Tensor& t : inputs) {
      x.push_back(is_floating(t.dtype()) ? parameter(cast(cast(t, float32), dtype)) : t);
      if (x.back().tracked()) leaves.push_back({"input", x.back()});
    }
    for (const Tensor& w : layer.trainable_weights()) leaves.push_back({w.path(), w});
    Tensor total = scalar(0, dtype);
    int64_t seed = options.seed;
    for (const Tensor& y : called(layer, x, {}, options.seed))
      if (is_floating(y.dtype()))
        total = total + sum(y * cast(random_normal(y.shape(), 0, 1, float32, ++seed), y.dtype()));
    for (const Leaf& leaf : leaves) of.push_back(leaf.weight);
    return of.empty() ? Tensors{} : gradient(total, of);
  };
  std::vector<Leaf> leaves, unused;
  const Tensors expected = gradients(exact, float64, leaves),
                got = gradients(coarse, float32, unused);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    GradCheck::Row row{.order = 1, .input = leaves[i].name, .shape = expected[i].shape()};
    row.when = "in float32, beside float64";
    const std::vector<double> a = expected[i].to_vector(), b = got[i].to_vector();
    double scale = 0;
    for (const double g : a) scale = std::max(scale, std::abs(g));
    for (std::size_t k = 0; k < a.size(); ++k) {
      const double off = std::abs(a[k] - b[k]);
      if (off <= tolerance * scale || off <= row.error * scale) continue;
      row.error = scale > 0 ? off / scale : 1;
      row.element = static_cast<int64_t>(k);
      row.gradient = b[k];
      row.difference = a[k];
      row.step = 1;
    }
    report.worst = std::max(report.worst, row.error);
    report.rows.push_back(row);
  }
}

void take_in(GradCheck& report, const std::string& when, const GradCheck& more) {
  report.worst = std::max(report.worst, more.worst);
  report.varied.push_back(when);
  for (GradCheck::Row row : more.rows) {
    row.when = when;
    report.rows.push_back(std::move(row));
  }
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void check_varied(const Layer& original, const Shape& shape, const GradCheckOptions& options,
                  GradCheck& report) {
  const auto vary = [&](const std::string& when, const auto& check) {
    try {
      check();
    } catch (const Error& why) {
      report.refused.push_back(when + ": " + first_line(why.what()));
    }
  };
  for (const Variation& v : variations(original, shape))
    vary(v.when, [&] {
      GradCheckOptions its = options;
      const Tensors x = drawn(original, v.shape, v.size, options.seed + 5);
      its.training = v.training || options.training;
      if (v.masked) its.mask = mask_of_shape(v.shape);
      if (v.from_state) its.initial_state = states_of(original, x, options);
      take_in(report, v.when, gradcheck(original, x, its));
    });
  if (options.constants.empty())
    vary("in float32", [&] {
      check_float32(original, drawn(original, shape, 1, options.seed), options, report);
      report.varied.emplace_back("in float32");
    });
}

}  // namespace

GradCheck gradcheck(const Layer& layer, const Tensors& inputs, const GradCheckOptions& options) {
  std::vector<Leaf> leaves;
  const Tensors x = checked_leaves("input", inputs, leaves, true),
                states = checked_leaves("initial state", options.initial_state, leaves),
                constants = checked_leaves("constant", options.constants, leaves);
  const Layer checked = built(running(layer), x, float64, options.seed);
  for (const Tensor& w : checked.trainable_weights()) leaves.push_back({w.path(), w});
  const CallOptions call{.training = options.training,
                         .mask = options.mask,
                         .initial_state = State(states),
                         .constants = constants};
  return check_gradients([&] { return called(checked, x, call, options.seed); }, leaves, options);
}

GradCheck gradcheck(const Layer& layer, const Shape& input, const GradCheckOptions& options) {
  const Layer runs = running(layer);
  GradCheck report = gradcheck(runs, drawn(runs, input, 1, options.seed), options);
  if (options.vary && report.passed()) check_varied(runs, input, options, report);
  return report;
}

}  // namespace tempo
