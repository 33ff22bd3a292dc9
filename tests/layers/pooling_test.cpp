// SPDX-License-Identifier: Apache-2.0
// Layers that make one step from several: MaxPooling1D, AveragePooling1D and those over all steps.
#define BOOST_TEST_MODULE pooling
#include <tempo/gradcheck.hpp>
#include <tempo/layers.hpp>
#include <tempo/model.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Tensor column(const std::vector<double>& values) {
  return tensor(values, {1, static_cast<int64_t>(values.size()), 1}, float64);
}

struct Case {
  const char* name;
  Pooling1DOptions options;
  std::vector<double> most, mean;  // of 3, 1, 4, 1, 5
};
const Case cases[] = {
    {"pairs", {}, {3, 4}, {2, 2.5}},
    {"pairs, same", {.padding = "same"}, {3, 4, 5}, {2, 2.5, 5}},
    {"every step", {.strides = 1}, {3, 4, 4, 5}, {2, 2.5, 2.5, 3}},
    {"every step, same", {.strides = 1, .padding = "same"}, {3, 4, 4, 5, 5}, {2, 2.5, 2.5, 3, 5}},
    {"threes, same",
     {.pool_size = 3, .strides = 1, .padding = "same"},
     {3, 4, 4, 5, 5},
     {2, 8.0 / 3, 2, 10.0 / 3, 3}},
    {"threes, every second", {.pool_size = 3, .strides = 2}, {4, 5}, {8.0 / 3, 10.0 / 3}},
    {"apart", {.pool_size = 1, .strides = 3}, {3, 1}, {3, 1}},
    {"apart, same", {.pool_size = 2, .strides = 4, .padding = "same"}, {3, 5}, {2, 5}},
    {"one by one", {.pool_size = 1}, {3, 1, 4, 1, 5}, {3, 1, 4, 1, 5}},
    {"longer than the sequence, same", {.pool_size = 7, .padding = "same"}, {5}, {2.8}},
};

}  // namespace

BOOST_AUTO_TEST_CASE(maxima_and_means_of_windows) {
  const Tensor x = column({3, 1, 4, 1, 5});
  for (const Case& c : cases) {
    check_close(c.name, MaxPooling1D(c.options)(x), column(c.most), 0);
    check_close(c.name, AveragePooling1D(c.options)(x), column(c.mean), 1e-15);
    // A maximum below 0 is not taken for padding.
    check_close(c.name, MaxPooling1D(c.options)(x - 9), column(c.most) - 9, 0);
    // Features and samples do not mix.
    const Tensor wide = concat({concat({x, 2 * x}), concat({-x, x})}, 0);  // [2, 5, 2]
    const Tensor pooled = AveragePooling1D(c.options)(wide), mean = column(c.mean);
    check_close(c.name, pooled, concat({concat({mean, 2 * mean}), concat({-mean, mean})}, 0),
                1e-15);
    Pooling1DOptions first = c.options;
    first.data_format = "channels_first";
    check_same(c.name, AveragePooling1D(first)(swap_axes(wide, 1, 2)), swap_axes(pooled, 1, 2));
    check_same(c.name, MaxPooling1D(first)(swap_axes(wide, 1, 2)),
               swap_axes(MaxPooling1D(c.options)(wide), 1, 2));
  }
  check_close("float32", AveragePooling1D()(cast(x, float32)), cast(column({2, 2.5}), float32),
              1e-7);
}

BOOST_AUTO_TEST_CASE(all_steps) {
  const Tensor x = tensor<double>({1, 2, 3, 4, -5, 6, 0, 1, 2, 1, -1, 1}, {2, 3, 2}, float64);
  const Tensor mask = tensor<bool>({1, 1, 0, 1, 0, 0}, {2, 3}), features_first = swap_axes(x, 1, 2);
  for (const bool keep : {false, true}) {
    const GlobalPooling1DOptions first{.data_format = "channels_first", .keepdims = keep},
        last{.keepdims = keep};
    const auto expected = [&](const Tensor& y) { return keep ? swap_axes(y, 1, 2) : y; };
    check_same("channels first", GlobalMaxPooling1D(first)(features_first),
               expected(GlobalMaxPooling1D(last)(x)));
    check_same("channels first", GlobalAveragePooling1D(first)(features_first),
               expected(GlobalAveragePooling1D(last)(x)));
    check_same("channels first, masked",
               GlobalAveragePooling1D(first)(features_first, {.mask = mask}),
               expected(GlobalAveragePooling1D(last)(x, {.mask = mask})));
  }
  check_close("mean", GlobalAveragePooling1D()(x),
              tensor<double>({-1.0 / 3, 4, 1.0 / 3, 1}, {2, 2}, float64), 1e-15);
  check_same("max", GlobalMaxPooling1D()(x), tensor<double>({3, 6, 2, 1}, {2, 2}, float64));
  check_same("max, kept", GlobalMaxPooling1D({.keepdims = true})(x),
             tensor<double>({3, 6, 2, 1}, {2, 1, 2}, float64));
  BOOST_TEST((GlobalAveragePooling1D({.keepdims = true})(x).shape() == Shape{2, 1, 2}));
  check_same("no steps", GlobalAveragePooling1D()(zeros({2, 0, 3})), zeros({2, 3}));
}

// The mean over all steps uses those that the mask counts; every other pooling counts all steps, as
// in Keras. None passes a mask on.
BOOST_AUTO_TEST_CASE(masks) {
  const Tensor bare = tensor<double>({1, 2, 3, 4, 9, 9, 8, 8, 8, 8, 8, 8}, {2, 3, 2}, float64);
  const Tensor mask = tensor<bool>({true, true, false, false, false, false}, {2, 3});
  const Tensor expected = tensor<double>({2, 3, 0, 0}, {2, 2}, float64);
  for (bool rides : {false, true}) {
    const Tensor x = rides ? with_mask(bare, mask) : bare;
    const CallOptions call{.mask = rides ? Tensor{} : mask};
    check_same("mean", GlobalAveragePooling1D()(x, call), expected);
    check_same("mean, kept", GlobalAveragePooling1D({.keepdims = true})(x, call),
               expand_dims(expected, 1));
    check_same("max", GlobalMaxPooling1D()(x, call), max(bare, 1));
    for (const Layer& layer :
         {MaxPooling1D({.pool_size = 1}), AveragePooling1D({.pool_size = 1}), MaxPooling1D(),
          MaxPooling1D({.padding = "same"}), AveragePooling1D({.padding = "same"}),
          GlobalMaxPooling1D({.keepdims = true}), GlobalAveragePooling1D({.keepdims = true})}) {
      const Tensor y = layer(x, call);
      BOOST_TEST(!mask_of(y), layer.type_name());
    }
    check_same("all steps count", MaxPooling1D({.pool_size = 3})(x, call), max(bare, 1, true));
  }
  // Masked steps may hold NaN.
  const Tensor bad = where(expand_dims(mask, -1), bare, std::nan(""));
  check_same("NaN", GlobalAveragePooling1D()(bad, {.mask = mask}), expected);
}

BOOST_AUTO_TEST_CASE(gradients) {
  for (const Case& c : cases)
    for (const Layer& layer : {MaxPooling1D(c.options), AveragePooling1D(c.options)}) {
      const GradCheck report = gradcheck(layer, Shape{2, 5, 3});
      BOOST_TEST(report.passed(), layer.type_name() << ", " << c.name << "\n" << report);
    }
  const Tensor mask = tensor<bool>({true, true, false, false, true, false}, {2, 3});
  for (const Layer& layer :
       {GlobalMaxPooling1D(), GlobalAveragePooling1D(), GlobalAveragePooling1D({.keepdims = true})})
    for (const CallOptions& call : {CallOptions{}, CallOptions{.mask = mask}}) {
      const GradCheck report = gradcheck(
          [&](const Tensors& in) { return square(layer(in[0], call)); }, {normal({2, 3, 4})});
      BOOST_TEST(report.passed(), layer.type_name() << "\n" << report);
    }
}

BOOST_AUTO_TEST_CASE(a_file_holds_their_options) {
  const Tensor x = normal({2, 20, 3});
  Sequential model({MaxPooling1D({.pool_size = 3, .strides = 2, .padding = "same"}),
                    AveragePooling1D({.pool_size = 4, .strides = 1}),
                    GlobalAveragePooling1D({.keepdims = true}), GlobalMaxPooling1D()});
  const Tensor y = model(x);
  BOOST_TEST((y.shape() == Shape{2, 3}));
  const std::string path = in_folder("pooling.safetensors");
  model.save(path);
  const Sequential loaded = load_model(path);
  check_same("prediction", loaded(x), y);
  BOOST_TEST(loaded.summary_text() == model.summary_text());
}

BOOST_AUTO_TEST_CASE(what_does_not_fit) {
  const Tensor x = zeros({2, 3, 4});
  for (const char* name :
       {"MaxPooling1D", "AveragePooling1D", "GlobalMaxPooling1D", "GlobalAveragePooling1D"})
    BOOST_TEST(error_of([&] {
                 layer(name)(zeros({2, 4}));
               }) == std::string(name) + ": needs [batch, time, features], got [2, 4].");
  for (const Layer& layer : {MaxPooling1D({.pool_size = 5}), AveragePooling1D({.pool_size = 5})})
    BOOST_TEST(error_of([&] { layer(x); }) ==
               layer.type_name() +
                   ": a window of 5 steps does not fit into [2, 3, 4].\n"
                   "  Make pool_size smaller, or padding \"same\".");
  BOOST_TEST(error_of([&] { MaxPooling1D({.padding = "causal"}); }) ==
             "MaxPooling1D: option `padding` is \"causal\"; it must be one of valid|same.");
  BOOST_TEST(error_of([&] { AveragePooling1D({.pool_size = 0}); }) ==
             "AveragePooling1D: option `pool_size` is 0; it must be at least 1.");
  BOOST_TEST(error_of([&] {
               MaxPooling1D()(zeros({2, 3, 4}, int32));
             }) ==
             "MaxPooling1D: needs float32 or float64, got [2, 3, 4] int32.\n"
             "  cast(x, float32) makes it so.");
  BOOST_TEST(error_of([&] {
               GlobalMaxPooling1D()(zeros({2, 0, 4}));
             }) == "GlobalMaxPooling1D: [2, 0, 4] has no steps, and so no greatest one.");
  BOOST_TEST(error_of([&] {
               GlobalAveragePooling1D()(x, {.mask = ones({2, 4}, bool_)});
             }) ==
             "GlobalAveragePooling1D: the mask of [batch, time, features] is bool [batch, time], "
             "here [2, 3]; got [2, 4] bool.");
  const Layer lstm = LSTM({.units = 3});
  BOOST_TEST(error_of([&] {
               Sequential({lstm, MaxPooling1D()})(zeros({2, 3, 4}));
             }) ==
             "MaxPooling1D: needs [batch, time, features], got [2, 3].\n"
             "  max_pooling1d needs every step of the sequence, and lstm before it gives its last "
             "output only.\n  Make lstm with .return_sequences = true.");
}
