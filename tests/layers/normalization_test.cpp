// SPDX-License-Identifier: Apache-2.0
// Layers that bring numbers to a common scale: LayerNormalization, RMSNormalization,
// UnitNormalization, Normalization.
#define BOOST_TEST_MODULE normalization
#include <tempo/gradcheck.hpp>
#include <tempo/layers.hpp>
#include <tempo/model.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Tensor numbers(const Shape& shape, const std::vector<double>& values) {
  return tensor(values, shape, float64);
}

// The row 1, 3 has mean 2 and variance 1; -2, 4 has 1 and 9.
const Tensor rows = numbers({2, 2}, {1, 3, -2, 4});

// With weights that all differ.
Layer ready(const Layer& layer, const Shape& input) {
  layer.build({input}, float64);
  int64_t seed = 5;
  for (const Tensor& w : layer.weights()) assign(w, normal(w.shape(), seed++));
  return layer;
}

// (x - mean) / sqrt(variance + epsilon), element by element, over the axes in `among`.
Tensor plain_layer_norm(const Tensor& x, double epsilon,
                        const std::function<bool(int64_t, int64_t)>& among) {
  std::vector<double> y;
  for (int64_t i = 0; i < x.count(); ++i) {
    double n = 0, mean = 0, variance = 0;
    for (int64_t j = 0; j < x.count(); ++j)
      if (among(i, j)) ++n, mean += x.element(j);
    mean /= n;
    for (int64_t j = 0; j < x.count(); ++j)
      if (among(i, j)) variance += (x.element(j) - mean) * (x.element(j) - mean) / n;
    y.push_back((x.element(i) - mean) / std::sqrt(variance + epsilon));
  }
  return tensor(y, x.shape(), float64);
}

}  // namespace

BOOST_AUTO_TEST_CASE(layer_normalization_of_features) {
  const double s = 1 / std::sqrt(1.001), t = 1 / std::sqrt(9.001);
  check_close("at first", LayerNormalization({.dtype = float64})(rows),
              numbers({2, 2}, {-s, s, -3 * t, 3 * t}), 1e-12);
  const double e = 1 / std::sqrt(1.5), f = 1 / std::sqrt(9.5);
  const Layer layer = LayerNormalization({.epsilon = 0.5, .dtype = float64});
  layer.build({{2, 2}});
  BOOST_REQUIRE_EQUAL(layer.weights().size(), 2u);
  BOOST_TEST(layer.weights()[0].path() == "layer_normalization/gamma");
  BOOST_TEST(layer.weights()[1].path() == "layer_normalization/beta");
  assign(layer.weights()[0], numbers({2}, {2, 3}));
  assign(layer.weights()[1], numbers({2}, {10, 20}));
  check_close("with weights", layer(rows),
              numbers({2, 2}, {10 - 2 * e, 20 + 3 * e, 10 - 6 * f, 20 + 9 * f}), 1e-12);

  const Layer bare = LayerNormalization({.center = false, .scale = false, .dtype = float64});
  check_close("without weights", bare(rows), numbers({2, 2}, {-s, s, -3 * t, 3 * t}), 1e-12);
  BOOST_TEST(bare.weights().empty());
  const Layer one = LayerNormalization({.scale = false, .beta_initializer = constant(0.5)});
  one.build({{2, 2}});
  BOOST_REQUIRE_EQUAL(one.weights().size(), 1u);
  BOOST_TEST(one.weights()[0].path() == "layer_normalization/beta");
  BOOST_TEST(one.weights()[0].element(1) == 0.5);
  BOOST_TEST(LayerNormalization({.trainable = false})(cast(rows, float32)).shape().rank() == 2);
}

BOOST_AUTO_TEST_CASE(layer_normalization_of_other_axes) {
  const Shape shape{2, 3, 4};
  const Tensor x = normal(shape);
  const auto same = [](int64_t i, int64_t j, int64_t extent, int64_t stride) {
    return i / stride % extent == j / stride % extent;
  };
  const struct {
    Integers axis;
    Shape weights;
    std::function<bool(int64_t, int64_t)> among;
    Shape beside;  // of the weights in a product with x
  } cases[] = {
      {1, {3}, [&](int64_t i, int64_t j) { return same(i, j, 2, 12) && same(i, j, 4, 1); }, {3, 1}},
      {{-1, 1}, {3, 4}, [&](int64_t i, int64_t j) { return same(i, j, 2, 12); }, {3, 4}},
      {2, {4}, [&](int64_t i, int64_t j) { return same(i, j, 6, 4); }, {4}},
  };
  for (const auto& c : cases) {
    const Layer layer =
        ready(LayerNormalization({.axis = c.axis, .epsilon = 0.1, .dtype = float64}), shape);
    BOOST_TEST((layer.weights()[0].shape() == c.weights));
    const Tensor gamma = reshape(layer.weights()[0], c.beside),
                 beta = reshape(layer.weights()[1], c.beside);
    check_close(to_string(c.axis), layer(x), plain_layer_norm(x, 0.1, c.among) * gamma + beta,
                1e-12);
  }
}

BOOST_AUTO_TEST_CASE(rms_and_unit_normalization) {
  const Layer rms = ready(RMSNormalization({.epsilon = 0.5, .dtype = float64}), {2, 2});
  BOOST_TEST(rms.weights()[0].path() == "rms_normalization/scale");
  const double s0 = rms.weights()[0].element(0), s1 = rms.weights()[0].element(1);
  const double a = std::sqrt(5.5), b = std::sqrt(10.5);  // mean squares 5 and 10
  check_close("rms", rms(rows), numbers({2, 2}, {s0 / a, 3 * s1 / a, -2 * s0 / b, 4 * s1 / b}),
              1e-12);
  const Tensor x = normal({2, 3, 4});
  const Layer over_time = ready(RMSNormalization({.axis = 1, .dtype = float64}), {2, 3, 4});
  BOOST_TEST((over_time.weights()[0].shape() == Shape{3}));
  const Tensor root = sqrt(mean(x * x, 1, true) + 1e-6);
  check_close("rms of time", over_time(x), x / root * reshape(over_time.weights()[0], {3, 1}),
              1e-12);

  const double c = std::sqrt(10), d = std::sqrt(20);
  check_close("unit", UnitNormalization()(rows), numbers({2, 2}, {1 / c, 3 / c, -2 / d, 4 / d}),
              1e-12);
  check_close("unit of both", UnitNormalization({.axis = {1, 2}})(reshape(rows, {1, 2, 2})),
              reshape(rows, {1, 2, 2}) / std::sqrt(30.0), 1e-12);
  check_same("nothing has no direction", UnitNormalization()(zeros({1, 3})), zeros({1, 3}));
  // Its squares are too large for a float.
  const auto slope = [](const Tensor& at) {
    const Tensor leaf = parameter(at);
    return gradient(sum(UnitNormalization()(leaf) * tensor<float>({1, 2}, {2})), Tensors{leaf})[0];
  };
  const Tensor large = tensor<float>({3e19F, 4e19F}, {1, 2}), small = tensor<float>({3, 4}, {1, 2});
  check_close("unit of large ones", UnitNormalization()(large), small / 5, 1e-6);
  check_close("gradient of large ones", slope(large) * 1e19, slope(small), 1e-6);
}

BOOST_AUTO_TEST_CASE(adapted_to_data) {
  // Features 0 and 1 have the means 2 and 5, and the variances 1 and 9.
  const Tensor data = numbers({4, 2}, {1, 2, 3, 8, 1, 8, 3, 2});
  const Layer layer = Normalization({.dtype = float64});
  adapt(layer, data);
  BOOST_REQUIRE_EQUAL(layer.weights().size(), 2u);
  BOOST_TEST(layer.trainable_weights().empty());
  BOOST_TEST(layer.weights()[0].path() == "normalization/mean");
  BOOST_TEST(layer.weights()[1].path() == "normalization/variance");
  check_close("normalized", layer(data), numbers({4, 2}, {-1, -1, 1, 1, -1, 1, 1, -1}), 1e-12);
  const Layer back = Normalization({.invert = true, .dtype = float64});
  adapt(back, data);
  check_close("and back", back(layer(data)), data, 1e-12);

  // In batches of different sizes, in a sequence, and all at once.
  const Tensor x = normal({6, 5, 3});
  const Layer whole = Normalization({.dtype = float64}), parts = Normalization({.dtype = float64});
  adapt(whole, x);
  adapt(parts, {slice(x, 0, 0, 1), slice(x, 0, 1, 5), slice(x, 0, 5, 5), slice(x, 0, 5, 6)});
  check_close("mean", whole.weights()[0], mean(x, {0, 1}), 1e-12);
  check_close("variance", whole.weights()[1], var(x, {0, 1}), 1e-12);
  for (std::size_t i : {0u, 1u})
    check_close("parts", parts.weights()[i], whole.weights()[i], 1e-12);
  const Layer once = Normalization({.axis = {}, .dtype = float64});
  adapt(once, x);
  BOOST_TEST((once.weights()[0].shape() == Shape{}));
  check_close("one for all", once(x), (x - mean(x)) / sqrt(var(x)), 1e-12);
  const Layer places = Normalization({.axis = {2, 1}, .dtype = float64});
  adapt(places, x);
  check_close("each place", places(x), (x - mean(x, 0)) / sqrt(var(x, 0)), 1e-12);

  const Layer counts = Normalization({.dtype = float64});
  adapt(counts, tensor<int>({1, 3}, {2, 1}));
  check_same("whole numbers", counts(tensor<int>({5}, {1, 1})), numbers({1, 1}, {3}));
  const Layer still = Normalization({.dtype = float64});
  adapt(still, numbers({2, 1}, {7, 7}));
  check_same("no variance", still(numbers({1, 1}, {7})), numbers({1, 1}, {0}));
}

BOOST_AUTO_TEST_CASE(mean_and_variance_given) {
  const Tensor x = numbers({1, 2}, {5, 7});
  const Layer one = Normalization({.mean = 3, .variance = 4.0});
  check_close("one for all", one(x), numbers({1, 2}, {1, 2}), 1e-15);
  BOOST_TEST(one.weights().empty());
  check_close("each", Normalization({.mean = {1, 3}, .variance = {16, 0.25}})(x),
              numbers({1, 2}, {1, 8}), 1e-15);
  check_close("inverted", Normalization({.mean = {1, 3}, .variance = {4, 1}, .invert = true})(x),
              numbers({1, 2}, {11, 10}), 1e-15);
  const double third = 1.0 / 3;
  const Layer again = recreated(Normalization({.mean = third, .variance = 1e-3 / 7}));
  check_same("as they were", again(x), (x - third) / std::sqrt(1e-3 / 7));
}

BOOST_AUTO_TEST_CASE(gradients) {
  const Shape shape{2, 3, 4};
  for (const Layer& layer :
       {LayerNormalization(), LayerNormalization({.axis = 1, .center = false}),
        LayerNormalization({.axis = {1, 2}}), RMSNormalization(),
        RMSNormalization({.axis = {1, 2}}), UnitNormalization(), UnitNormalization({.axis = 1}),
        Normalization({.mean = {1, 2, 3, 4}, .variance = 2})}) {
    const GradCheck report = gradcheck(layer, shape);
    BOOST_TEST(report.passed(), layer.type_name() << "\n" << report);
  }
}

BOOST_AUTO_TEST_CASE(masks_are_kept) {
  const Tensor mask = tensor<bool>({true, true, false, false, true, true}, {2, 3}),
               other = tensor<bool>({true, true, true, false, true, true}, {2, 3});
  const Tensor x = with_mask(normal({2, 3, 4}), mask);
  for (const Layer& layer :
       {LayerNormalization({.dtype = float64}), LayerNormalization({.axis = 1, .dtype = float64}),
        RMSNormalization({.dtype = float64}), UnitNormalization(),
        Normalization({.dtype = float64})}) {
    check_same(layer.type_name(), mask_of(layer(x)), mask);
    check_same(layer.type_name(), mask_of(layer(x, {.mask = other})), other);
  }
}

// A masked step may hold anything: it affects no weight.
BOOST_AUTO_TEST_CASE(masked_steps_spoil_no_gradient) {
  const Tensor mask = tensor<bool>({true, false, true}, {1, 3});
  const Tensor good = normal({1, 3, 4});
  for (const double padding : {std::nan(""), 1e300}) {
    const Tensor bad = where(reshape(mask, {1, 3, 1}), good, padding);
    for (const char* name : {"LayerNormalization", "RMSNormalization"}) {
      const Layer layer = ready(tempo::layer(name, {{"dtype", float64}}), {1, 3, 4});
      const auto gradients = [&](const Tensor& x) {
        const Tensor y = layer(x, {.mask = mask});
        return gradient(sum(where(reshape(mask, {1, 3, 1}), square(y), 0)), layer.weights());
      };
      const Tensors got = gradients(bad), expected = gradients(good);
      for (std::size_t i = 0; i < got.size(); ++i) check_close(name, got[i], expected[i], 1e-12);
    }
    const auto of_input = [&](const Tensor& values) {
      const Tensor leaf = parameter(values);
      const Tensor y = UnitNormalization()(leaf, {.mask = mask});
      return gradient(sum(where(reshape(mask, {1, 3, 1}), y * good, 0)), {leaf})[0];
    };
    check_close("UnitNormalization", of_input(bad), of_input(good), 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_file_holds_them) {
  const Tensor x = randn({8, 5, 3});
  const Layer adapted = Normalization();
  adapt(adapted, x + 7);
  Sequential model({adapted, LayerNormalization({.axis = {1, 2}, .epsilon = 0.25, .center = false}),
                    RMSNormalization({.axis = 1, .epsilon = 0.125}), UnitNormalization({.axis = 1}),
                    Normalization({.mean = {0.1, 1.0 / 3, 2}, .variance = 0.7}), GRU({.units = 2}),
                    Dense({.units = 1})});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor before = 1 * adapted.weights()[0];
  model.fit(x, zeros({8, 1}), {.epochs = 2, .verbose = 0});
  check_same("no optimizer changes it", adapted.weights()[0], before);
  BOOST_TEST(model.trainable_weights().size() == 7u);
  const std::string path = in_folder("normalization.safetensors");
  model.save(path);
  const Sequential loaded = load_model(path);
  check_same("prediction", loaded.predict(x), model.predict(x));
  check_same("mean", loaded.layers()[0].weights()[0], before);
  BOOST_TEST(loaded.trainable_weights().size() == model.trainable_weights().size());
}

BOOST_AUTO_TEST_CASE(what_does_not_fit) {
  const Tensor x = zeros({2, 3, 4});
  const auto say = [&](const Layer& layer) { return error_of([&] { layer(x); }); };
  for (const Integers& odd : {Integers(0), Integers(3), Integers(-4), Integers{1, -2}})
    for (const Layer& layer : {LayerNormalization({.axis = odd}), RMSNormalization({.axis = odd}),
                               UnitNormalization({.axis = odd}), Normalization({.axis = odd})})
      BOOST_TEST(say(layer) == layer.type_name() + ": axis is " + to_string(odd) +
                                   ", the input has 3 axes.\n"
                                   "  It names axes after the batch, each once; -1 is the last.");
  for (const Layer& layer : {LayerNormalization({.axis = {}}), RMSNormalization({.axis = {}}),
                             UnitNormalization({.axis = {}})})
    BOOST_TEST(say(layer) == layer.type_name() + ": axis names none; -1 is the features.");
  BOOST_TEST(error_of([] { LayerNormalization({.epsilon = -1}); }) ==
             "LayerNormalization: option `epsilon` is -1; it must be at least 0.");
  BOOST_TEST(error_of([] {
               LayerNormalization()(zeros({2, 4}, int32));
             }) ==
             "LayerNormalization: needs float32 or float64, got [2, 4] int32.\n"
             "  cast(x, float32) makes it so.");
  check_error(error_of([] { Normalization({.mean = 1}); }),
              "Normalization: mean is given and variance is not.\n"
              "  Give both, or neither and call adapt(layer, data).");
  check_error(error_of([] { Normalization({.variance = 1}); }),
              "Normalization: variance is given and mean is not.");
  check_error(error_of([] {
                Normalization({.mean = 1, .variance = {1, -0.5}});
              }),
              "Normalization: variance is [1, -0.5]; a variance is at least 0.");
  check_error(error_of([] {
                layer("Normalization", {{"mean", "[1, x]"}, {"variance", "1"}});
              }),
              "Normalization: mean is \"[1, x]\"; it is a number or several, as \"0.5\" or "
              "\"[0.5, 2]\".");
  BOOST_TEST(say(Normalization({.mean = {1, 2}, .variance = 1})) ==
             "Normalization: mean has 2 numbers, for 4 places along axis of the input [2, 3, 4].\n"
             "  Give one for all, or one for each.");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_adapted) {
  const Tensor x = zeros({2, 3});
  BOOST_TEST(error_of([&] { adapt(Dense({.units = 2}), x); }) ==
             "adapt: `dense` is a Dense; Normalization alone is adapted.");
  BOOST_TEST(error_of([&] { adapt(Normalization(), Tensors{}); }) ==
             "adapt: `normalization` is shown no data.");
  BOOST_TEST(error_of([&] {
               adapt(Normalization(), zeros({0, 3}));
             }) == "adapt: `normalization` is shown no data.");
  BOOST_TEST(error_of([&] { adapt(Normalization({.mean = 0, .variance = 1}), x); }) ==
             "adapt: `normalization` was given its mean and variance; there is nothing to find "
             "out.");
  BOOST_TEST(error_of([&] {
               adapt(Normalization(), {x, zeros({2, 4})});
             }) ==
             "adapt: `normalization` was built for [3] places along its axis; data of [2, 4] have "
             "[4].");
  BOOST_TEST(error_of([&] { adapt(Normalization(), x / 0); }) ==
             "adapt: `normalization` is shown data that hold NaN or infinite numbers.");
}
