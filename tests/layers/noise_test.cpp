// SPDX-License-Identifier: Apache-2.0
// Noise in training: GaussianNoise, GaussianDropout, SpatialDropout1D, AlphaDropout, and the shape
// of Dropout's draws.
#define BOOST_TEST_MODULE noise
#include <tempo/gradcheck.hpp>
#include <tempo/layers.hpp>
#include <tempo/model.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

const CallOptions training{.training = true};

struct Kind {
  const char* name;
  std::function<Layer(int64_t seed)> make;
};
const Kind kinds[] = {
    {"Dropout, one draw for all steps",
     [](int64_t seed) {
       return Dropout({.rate = 0.4, .noise_shape = {-1, 1, -1}, .seed = seed});
     }},
    {"GaussianNoise", [](int64_t seed) { return GaussianNoise({.stddev = 0.7, .seed = seed}); }},
    {"GaussianDropout", [](int64_t seed) { return GaussianDropout({.rate = 0.2, .seed = seed}); }},
    {"SpatialDropout1D",
     [](int64_t seed) { return SpatialDropout1D({.rate = 0.4, .seed = seed}); }},
    {"AlphaDropout", [](int64_t seed) { return AlphaDropout({.rate = 0.3, .seed = seed}); }},
    {"AlphaDropout, one draw for all steps",
     [](int64_t seed) {
       return AlphaDropout({.rate = 0.3, .noise_shape = {-1, 1, -1}, .seed = seed});
     }},
};

struct Moments {
  double mean, deviation;
};
Moments moments(const Tensor& x) { return {mean(x).item(), std::sqrt(var(x).item())}; }

}  // namespace

BOOST_AUTO_TEST_CASE(in_prediction_they_do_nothing) {
  const Tensor x = normal({3, 5, 4});
  for (const Kind& k : kinds) check_same(k.name, k.make(3)(x), x);
  for (const Layer& none :
       {Dropout({.rate = 0, .noise_shape = {3, 1, 4}}), GaussianNoise({.stddev = 0}),
        GaussianDropout({.rate = 0}), SpatialDropout1D({.rate = 0}), AlphaDropout({.rate = 0})})
    check_close(none.type_name(), none(x, training), x, 1e-15);
}

// Each call draws anew; another layer with the same seed draws the same numbers.
BOOST_AUTO_TEST_CASE(a_seed_gives_the_same_numbers_call_by_call) {
  const Tensor x = normal({30, 5, 40});
  for (const Kind& k : kinds) {
    const Layer one = k.make(3), same = k.make(3), other = k.make(4);
    const Tensor first = one(x, training), second = one(x, training);
    BOOST_TEST(max(abs(first - second)).item() > 0.1, k.name);
    check_same(k.name, same(x, training), first);
    check_same(k.name, same(x, training), second);
    BOOST_TEST(max(abs(first - other(x, training))).item() > 0.1, k.name);
    set_seed(9);
    const Tensor global = k.make(-1)(x, training);
    set_seed(9);
    check_same(k.name, k.make(-1)(x, training), global);
  }
}

BOOST_AUTO_TEST_CASE(mean_and_deviation_of_the_noise) {
  const Tensor one = ones({200, 1000}, float64), x = 2 * one;
  const Moments added = moments(GaussianNoise({.stddev = 0.7, .seed = 1})(x, training));
  BOOST_TEST(std::abs(added.mean - 2) < 0.01);
  BOOST_TEST(std::abs(added.deviation - 0.7) < 0.01);
  const Moments factors = moments(GaussianDropout({.rate = 0.2, .seed = 1})(x, training));
  BOOST_TEST(std::abs(factors.mean - 2) < 0.01);
  BOOST_TEST(std::abs(factors.deviation - 2 * std::sqrt(0.2 / 0.8)) < 0.01);
  // Alpha dropout keeps a mean of 0 and a deviation of 1.
  const Moments kept =
      moments(AlphaDropout({.rate = 0.3, .seed = 1})(normal({200, 1000}, 2), training));
  BOOST_TEST(std::abs(kept.mean) < 0.01);
  BOOST_TEST(std::abs(kept.deviation - 1) < 0.01);
}

// The two values that ones become, by the paper's formulas with lambda alpha = 1.7581.
BOOST_AUTO_TEST_CASE(alpha_dropout_of_ones) {
  const double rate = 0.3, least = -1.7580993408473766;
  const double a = std::pow((1 - rate) * (1 + rate * least * least), -0.5), b = -a * least * rate;
  const Tensor y = AlphaDropout({.rate = rate, .seed = 5})(ones({100, 100}, float64), training);
  int64_t dropped = 0;
  for (const double v : y.to_vector()) {
    const bool is_dropped = std::abs(v - (a * least + b)) < 1e-12;
    dropped += is_dropped;
    BOOST_TEST((is_dropped || std::abs(v - (a + b)) < 1e-12));
  }
  BOOST_TEST(std::abs(static_cast<double>(dropped) / 1e4 - rate) < 0.02);
}

BOOST_AUTO_TEST_CASE(one_draw_serves_all_steps) {
  const Tensor x = ones({20, 6, 50}, float64);
  for (const Layer& layer : {SpatialDropout1D({.rate = 0.4, .seed = 2}),
                             Dropout({.rate = 0.4, .noise_shape = {-1, 1, -1}, .seed = 2}),
                             Dropout({.rate = 0.4, .noise_shape = {20, 1, 50}, .seed = 2})}) {
    const Tensor y = layer(x, training), first = slice(y, 1, 0, 1);
    check_same("steps", y, broadcast_to(first, {20, 6, 50}));
    int64_t zeros_of = 0;
    for (const double v : first.to_vector()) {
      BOOST_TEST((v == 0 || std::abs(v - 1 / 0.6) < 1e-15));
      zeros_of += v == 0;
    }
    BOOST_TEST(std::abs(static_cast<double>(zeros_of) / 1000 - 0.4) < 0.05);
  }
  const Tensor rows =
      Dropout({.rate = 0.5, .noise_shape = {-1, 1}, .seed = 2})(ones({100, 3}, float64), training);
  for (int64_t i = 0; i < 100; ++i) BOOST_TEST(rows.element(3 * i) == rows.element(3 * i + 2));
  check_same("all", Dropout({.rate = 1, .noise_shape = {-1, 1}})(ones({2, 3}), training),
             zeros({2, 3}));
}

BOOST_AUTO_TEST_CASE(gradients) {
  for (const Kind& k : kinds) {
    const GradCheck report = gradcheck(
        [&](const Tensors& in) { return square(k.make(3)(in[0], training)); }, {normal({2, 3, 4})});
    BOOST_TEST(report.passed(), k.name << "\n" << report);
  }
}

BOOST_AUTO_TEST_CASE(masks_are_kept) {
  const Tensor mask = tensor<bool>({true, true, false, false, true, true}, {2, 3}),
               other = tensor<bool>({true, true, true, false, true, true}, {2, 3});
  const Tensor x = with_mask(normal({2, 3, 4}), mask);
  for (const Kind& k : kinds)
    for (bool in_training : {false, true}) {
      check_same(k.name, mask_of(k.make(1)(x, {.training = in_training})), mask);
      check_same(k.name, mask_of(k.make(1)(x, {.training = in_training, .mask = other})), other);
    }
}

// A loaded model goes on with the numbers that the saved one would have drawn.
BOOST_AUTO_TEST_CASE(a_file_holds_options_and_calls) {
  const Tensor x = randn({4, 3, 2});
  Sequential model({Dropout({.rate = 0.3, .noise_shape = {-1, 1, 2}, .seed = 1}),
                    GaussianNoise({.stddev = 0.3, .seed = 2}),
                    GaussianDropout({.rate = 0.2, .seed = 3}),
                    SpatialDropout1D({.rate = 0.25, .seed = 4}),
                    AlphaDropout({.rate = 0.1, .noise_shape = {-1, -1, 1}, .seed = 5})});
  for (int i = 0; i < 3; ++i) model(x, training);
  const std::string path = in_folder("noise.safetensors");
  model.save(path);
  const Sequential loaded = load_model(path);
  const Tensor expected = model(x, training);
  check_same("the fourth call", loaded(x, training), expected);
  BOOST_TEST(max(abs(expected - x)).item() > 0.01);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit) {
  const Tensor x = zeros({2, 3, 4});
  for (const char* name : {"GaussianDropout", "SpatialDropout1D", "AlphaDropout"}) {
    BOOST_TEST(error_of([&] { layer(name); }) ==
               std::string(name) +
                   ": option `rate` is not given, and has no default; it must be within [0, 1].");
    BOOST_TEST(error_of([&] {
                 layer(name, {{"rate", 1.5}});
               }) == std::string(name) + ": option `rate` is 1.5; it must be within [0, 1].");
  }
  BOOST_TEST(error_of([] { layer("GaussianNoise"); }) ==
             "GaussianNoise: option `stddev` is not given, and has no default; it must be at least "
             "0.");
  for (const char* name : {"GaussianDropout", "AlphaDropout"})
    check_error(
        error_of([&] {
          layer(name, {{"rate", 1}});
        }),
        std::string(name) + ": rate is 1, which leaves nothing to scale up; it must be below 1.");
  BOOST_TEST(error_of([&] {
               SpatialDropout1D({.rate = 0.5})(zeros({2, 3}), training);
             }) == "SpatialDropout1D: needs [batch, time, features], got [2, 3].");
  for (const Shape& odd : {Shape{1, 4}, Shape{-1, 2, -1}, Shape{0, 1, 1}})
    for (const Layer& layer : {Dropout({.rate = 0.5, .noise_shape = odd}),
                               AlphaDropout({.rate = 0.5, .noise_shape = odd})})
      BOOST_TEST(error_of([&] { layer(x); }) ==
                 layer.type_name() + ": noise_shape is " + to_string(odd) +
                     ", the input [2, 3, 4].\n  It has an extent for each axis: 1 where one draw "
                     "serves the whole axis, -1 for the input's own.");
  for (const Layer& layer : {GaussianNoise({.stddev = 1}), GaussianDropout({.rate = 0.5}),
                             SpatialDropout1D({.rate = 0.5}), AlphaDropout({.rate = 0.5})})
    BOOST_TEST(error_of([&] { layer(cast(x, int32), training); }) ==
               layer.type_name() +
                   ": needs float32 or float64, got [2, 3, 4] int32.\n"
                   "  cast(x, float32) makes it so.");
}
