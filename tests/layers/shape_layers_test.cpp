// SPDX-License-Identifier: Apache-2.0
// Layers that move elements: Flatten, Reshape, Permute, RepeatVector, UpSampling1D, ZeroPadding1D,
// Cropping1D.
#define BOOST_TEST_MODULE shape_layers
#include <tempo/gradcheck.hpp>
#include <tempo/layers.hpp>
#include <tempo/model.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

// 0, 1, 2, ... in this shape.
Tensor counted(const Shape& shape) {
  return reshape(arange(0, static_cast<double>(shape.count()), 1, float64), shape);
}

struct Case {
  const char* name;
  std::function<Layer()> make;
  Shape input;
  Tensor expected;  // for counted(input)
};

Tensor numbers(const Shape& shape, const std::vector<double>& values) {
  return tensor(values, shape, float64);
}

// x is [2, 3, 2]: the steps of its first sequence are (0, 1), (2, 3), (4, 5).
const Case cases[] = {
    {"Flatten",
     [] { return Flatten(); },
     {2, 3, 2},
     numbers({2, 6}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})},
    {"Flatten of numbers", [] { return Flatten(); }, {3}, numbers({3, 1}, {0, 1, 2})},
    {"Reshape",
     [] {
       return Reshape({.target_shape = {2, 3}});
     },
     {2, 3, 2},
     numbers({2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})},
    {"Flatten of channels first",
     [] { return Flatten({.data_format = "channels_first"}); },
     {2, 2, 3},
     numbers({2, 6}, {0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11})},
    {"Flatten of planes of channels",
     [] { return Flatten({.data_format = "channels_first"}); },
     {1, 2, 2, 2},
     numbers({1, 8}, {0, 4, 1, 5, 2, 6, 3, 7})},
    {"Flatten of vectors",
     [] { return Flatten({.data_format = "channels_first"}); },
     {2, 3},
     numbers({2, 3}, {0, 1, 2, 3, 4, 5})},
    {"Reshape with an open extent",
     [] {
       return Reshape({.target_shape = {1, -1, 2}});
     },
     {2, 6},
     numbers({2, 1, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})},
    {"Permute",
     [] {
       return Permute({.dims = {2, 1}});
     },
     {2, 3, 2},
     numbers({2, 2, 3}, {0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11})},
    {"Permute of three",
     [] {
       return Permute({.dims = {3, 1, 2}});
     },
     {1, 2, 2, 2},
     numbers({1, 2, 2, 2}, {0, 2, 4, 6, 1, 3, 5, 7})},
    {"RepeatVector",
     [] { return RepeatVector({.n = 3}); },
     {2, 2},
     numbers({2, 3, 2}, {0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3})},
    {"UpSampling1D",
     [] { return UpSampling1D(); },
     {2, 2, 2},
     numbers({2, 4, 2}, {0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7})},
    {"UpSampling1D by 3",
     [] { return UpSampling1D({.size = 3}); },
     {1, 2, 1},
     numbers({1, 6, 1}, {0, 0, 0, 1, 1, 1})},
    {"ZeroPadding1D",
     [] { return ZeroPadding1D(); },
     {1, 2, 2},
     numbers({1, 4, 2}, {0, 0, 0, 1, 2, 3, 0, 0})},
    {"ZeroPadding1D before",
     [] { return ZeroPadding1D({.padding = {2, 0}}); },
     {1, 2, 2},
     numbers({1, 4, 2}, {0, 0, 0, 0, 0, 1, 2, 3})},
    {"ZeroPadding1D of channels first",
     [] { return ZeroPadding1D({.data_format = "channels_first"}); },
     {1, 2, 2},
     numbers({1, 2, 4}, {0, 0, 1, 0, 0, 2, 3, 0})},
    {"Cropping1D", [] { return Cropping1D(); }, {2, 3, 2}, numbers({2, 1, 2}, {2, 3, 8, 9})},
    {"Cropping1D at the end",
     [] { return Cropping1D({.cropping = {0, 2}}); },
     {2, 3, 2},
     numbers({2, 1, 2}, {0, 1, 6, 7})},
};

}  // namespace

BOOST_AUTO_TEST_CASE(elements_go_where_they_should) {
  for (const Case& c : cases) {
    const Tensor x = counted(c.input);
    const Layer layer = c.make();
    check_same(c.name, layer(x), c.expected);
    check_same(std::string(c.name) + " of float32", layer(cast(x, float32)),
               cast(c.expected, float32));
    check_same(std::string(c.name) + " of ids", layer(cast(x, int32)), cast(c.expected, int32));
    BOOST_TEST(layer.count_params() == 0);
    // A batch of no samples keeps the shape of a sample.
    Shape none = c.input;
    none[0] = 0;
    BOOST_TEST(to_string(layer(zeros(none)).shape().without_first()) ==
               to_string(c.expected.shape().without_first()));
  }
}

BOOST_AUTO_TEST_CASE(gradients) {
  for (const Case& c : cases) {
    const GradCheck report = gradcheck(c.make(), c.input);
    BOOST_TEST(report.passed(), c.name << "\n" << report);
  }
}

// As in Keras, results have other steps than the mask, or no steps.
BOOST_AUTO_TEST_CASE(the_mask_is_dropped) {
  for (const Case& c : cases) {
    const Tensor x = counted(c.input);
    const Shape of_mask(c.input.begin(), c.input.begin() + std::min(c.input.rank(), 2));
    const Tensor mask = ones(of_mask, bool_);
    const Layer layer = c.make();
    for (const Tensor& y : {layer(with_mask(x, mask)), layer(x, {.mask = mask})}) {
      BOOST_TEST(!mask_of(y), c.name);
      check_same(c.name, y, c.expected);
    }
  }
  const Tensor x = with_mask(normal({2, 3, 4}), ones({2, 3}, bool_));
  BOOST_TEST(!mask_of(Reshape({.target_shape = {3, 4}})(x)));
  BOOST_TEST(!mask_of(Permute({.dims = {1, 2}})(x)));
  BOOST_TEST(!mask_of(Cropping1D({.cropping = 0})(x)));
  BOOST_TEST(!mask_of(ZeroPadding1D({.padding = 0})(x)));
  BOOST_TEST(!mask_of(UpSampling1D({.size = 1})(x)));
}

BOOST_AUTO_TEST_CASE(a_file_holds_their_options) {
  const Tensor x = normal({2, 4, 3});
  Sequential model({Permute({.dims = {2, 1}}), ZeroPadding1D({.padding = {2, 1}}),
                    Cropping1D({.cropping = {1, 2}}), UpSampling1D({.size = 3}), Flatten(),
                    Reshape({.target_shape = {-1, 6}}), Flatten({.name = "all_of_it"}),
                    RepeatVector({.n = 5}), Cropping1D({.cropping = 1})});
  const Tensor y = model(x);
  BOOST_TEST((y.shape() == Shape{2, 3, 36}));
  const std::string path = in_folder("shapes.safetensors");
  model.compile({.loss = "mse"});
  model.save(path);
  const Sequential loaded = load_model(path);
  check_same("prediction", loaded(x), y);
  BOOST_TEST(loaded.layer_names()[6] == "all_of_it");
  BOOST_TEST(loaded.summary_text() == model.summary_text());
}

BOOST_AUTO_TEST_CASE(what_does_not_fit) {
  const Tensor x = zeros({2, 3, 4}), vectors = zeros({2, 4});
  const auto say = [](const Layer& layer, const Tensor& given) {
    return error_of([&] { layer(given); });
  };
  BOOST_TEST(say(Flatten(), scalar(1)) == "Flatten: needs [batch, ...], got [].");
  BOOST_TEST(say(Reshape({}), x) ==
             "Reshape: target_shape is not set; it is the shape of a sample.\n"
             "  Give it without the batch: Reshape({.target_shape = {-1, 4}}).");
  BOOST_TEST(say(Reshape({.target_shape = {5, 3}}), x) ==
             "Reshape: target_shape is [5, 3]; a sample of [2, 3, 4] has 12 elements, which do not "
             "fill it.\n  It is the shape without the batch.");
  BOOST_TEST(say(Reshape({.target_shape = {-1, 5}}), x) ==
             "Reshape: target_shape is [-1, 5]; a sample of [2, 3, 4] has 12 elements, which do "
             "not fill it.\n  It is the shape without the batch.");
  for (const Shape& odd : {Shape{-1, -1}, Shape{-2, 6}})
    BOOST_TEST(say(Reshape({.target_shape = odd}), x) ==
               "Reshape: target_shape is " + to_string(odd) +
                   "; its extents are at least 0, and one may be -1.");
  constexpr int64_t round = int64_t{1} << 32;  // an int of 32 bits takes this for 0
  BOOST_TEST(say(Reshape({.target_shape = {round, round}}), zeros({2, 0}))
                 .starts_with("Shape: [4294967296, 4294967296] "));
  for (const Shape& odd :
       {Shape{}, Shape{1, 1}, Shape{0, 1}, Shape{1, 3}, Shape{-1, 1}, Shape{round + 2, round + 1}})
    BOOST_TEST(say(Permute({.dims = odd}), x) ==
               "Permute: dims is " + to_string(odd) +
                   "; it names each axis after the batch once, counted from 1.\n"
                   "  Permute({.dims = {2, 1}}) swaps time and features.");
  BOOST_TEST(say(Permute({.dims = {2, 1}}), vectors) ==
             "Permute: dims is [2, 1], for inputs with 3 axes; got [2, 4].");
  BOOST_TEST(say(RepeatVector({.n = 3}), x) ==
             "RepeatVector: needs [batch, features], got [2, 3, 4].\n"
             "  Of a sequence, a recurrent layer without return_sequences makes one vector.");
  BOOST_TEST(error_of([] { layer("RepeatVector"); }) ==
             "RepeatVector: option `n` is not given, and has no default; it must be at least 1.");
  BOOST_TEST(error_of([] { UpSampling1D({.size = 0}); }) ==
             "UpSampling1D: option `size` is 0; it must be at least 1.");
  for (const Layer& needs_steps : {UpSampling1D(), ZeroPadding1D(), Cropping1D()})
    BOOST_TEST(say(needs_steps, vectors) ==
               needs_steps.type_name() + ": needs [batch, time, features], got [2, 4].");
  BOOST_TEST(say(ZeroPadding1D({.padding = {1, 2, 3}}), x) ==
             "ZeroPadding1D: padding is [1, 2, 3]; it is one number of steps, at least 0, or one "
             "for each end of the sequence.");
  BOOST_TEST(say(Cropping1D({.cropping = -1}), x) ==
             "Cropping1D: cropping is [-1]; it is one number of steps, at least 0, or one for each "
             "end of the sequence.");
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  for (const Shape& odd : {Shape{1, 2}, Shape{most, 1}, Shape{1, most}})
    BOOST_TEST(say(Cropping1D({.cropping = {odd[0], odd[1]}}), x) ==
               "Cropping1D: cropping is " + to_string(odd) +
                   ", which leaves no step of [2, 3, 4].");
}
