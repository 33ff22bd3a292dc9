// SPDX-License-Identifier: Apache-2.0
// Layers with several inputs: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot.
#define BOOST_TEST_MODULE merge_layers
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

const Tensor a = numbers({2, 2}, {1, 2, 3, 4}), b = numbers({2, 2}, {5, -1, 0, 2}),
             c = numbers({2, 2}, {-3, 6, 1, 0});

struct Elementwise {
  const char* name;
  Layer (*make)(const NamedOptions&);
  std::vector<double> of_two, of_three;  // the result for a and b; for a, b and c
};
const Elementwise elementwise[] = {
    {"Add", Add, {6, 1, 3, 6}, {3, 7, 4, 6}},
    {"Subtract", Subtract, {-4, 3, 3, 2}, {}},
    {"Multiply", Multiply, {5, -2, 0, 8}, {-15, -12, 0, 0}},
    {"Average", Average, {3, 0.5, 1.5, 3}, {1, 7.0 / 3, 4.0 / 3, 2}},
    {"Maximum", Maximum, {5, 2, 3, 4}, {5, 6, 3, 4}},
    {"Minimum", Minimum, {1, -1, 0, 2}, {-3, -1, 0, 0}},
};

Tensor bools(const std::vector<bool>& values) {
  return tensor(values, {2, static_cast<int64_t>(values.size()) / 2});
}

}  // namespace

BOOST_AUTO_TEST_CASE(numbers_of_the_elementwise_ones) {
  for (const Elementwise& e : elementwise) {
    const Layer merge = e.make({});
    check_close(e.name, merge({a, b}), numbers({2, 2}, e.of_two), 1e-15);
    if (!e.of_three.empty())
      check_close(e.name, merge({a, b, c}), numbers({2, 2}, e.of_three), 1e-15);
    check_close("float32", merge({cast(a, float32), cast(b, float32)}),
                cast(numbers({2, 2}, e.of_two), float32), 1e-6);
  }
  const Tensor ids = tensor<int>({1, 2}, {2, 1});
  check_same("whole numbers", Add()({ids, ids}), tensor<int>({2, 4}, {2, 1}));
}

// [2, 2] beside [2, 3, 2] is [2, 1, 2]: the axes of 1 come after the batch.
BOOST_AUTO_TEST_CASE(fewer_axes_are_the_same_at_each_step) {
  const Tensor x = normal({2, 3, 2});
  const Tensor sum_of = Add()({x, a});
  for (int64_t t = 0; t < 3; ++t) check_same("step", take(sum_of, t, 1), take(x, t, 1) + a);
  check_same("the other way", Subtract()({a, x}), expand_dims(a, 1) - x);
  const Tensor column = numbers({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  check_same("an extent of 1", Multiply()({x, column}), x * column);
}

BOOST_AUTO_TEST_CASE(concatenated_along_an_axis) {
  check_same("features", Concatenate()({a, b, c}),
             numbers({2, 6}, {1, 2, 5, -1, -3, 6, 3, 4, 0, 2, 1, 0}));
  const Tensor x = normal({2, 3, 4}), y = normal({2, 5, 4}, 2);
  const Tensor both = Concatenate({.axis = 1})({x, y});
  check_same("time", slice(both, 1, 0, 3), x);
  check_same("time, second part", slice(both, 1, 3, 8), y);
  BOOST_TEST((both.shape() == Shape{2, 8, 4}));
  check_same("from the end", Concatenate({.axis = -2})({x, y}), both);
}

BOOST_AUTO_TEST_CASE(sums_of_products) {
  check_same("two vectors", Dot({.axes = 1})({a, b}), numbers({2, 1}, {3, 8}));
  check_same("from the end", Dot({.axes = -1})({a, b}), numbers({2, 1}, {3, 8}));
  check_same("a vector at each step", Dot({.axes = {2, 1}})({numbers({2, 1, 2}, {1, 2, 3, 4}), b}),
             numbers({2, 1}, {3, 8}));
  // [2, 3, 4] and [2, 5, 3] summed over the 3: [2, 4, 5]; with four axes, [2, 3, 4, 2] and [2, 4].
  const Tensor x = normal({2, 3, 4}), y = normal({2, 5, 3}, 2), deep = normal({2, 3, 4, 2}, 3),
               v = normal({2, 4}, 4);
  const Tensor xy = Dot({.axes = {1, 2}})({x, y}), dv = Dot({.axes = {2, 1}})({deep, v});
  BOOST_REQUIRE((xy.shape() == Shape{2, 4, 5}));
  BOOST_REQUIRE((dv.shape() == Shape{2, 3, 2}));
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t j = 0; j < 5; ++j) {
        double expected = 0;
        for (int64_t k = 0; k < 3; ++k)
          expected += x.element((n * 3 + k) * 4 + i) * y.element((n * 5 + j) * 3 + k);
        BOOST_TEST(std::abs(xy.element((n * 4 + i) * 5 + j) - expected) < 1e-12);
      }
    for (int64_t i = 0; i < 3; ++i)
      for (int64_t j = 0; j < 2; ++j) {
        double expected = 0;
        for (int64_t k = 0; k < 4; ++k)
          expected += deep.element(((n * 3 + i) * 4 + k) * 2 + j) * v.element(n * 4 + k);
        BOOST_TEST(std::abs(dv.element((n * 3 + i) * 2 + j) - expected) < 1e-12);
      }
  }
}

BOOST_AUTO_TEST_CASE(normalized_sums_of_products_are_cosines) {
  const Tensor cosine = Dot({.axes = 1, .normalize = true})({a, b});
  check_close("cosine", cosine, numbers({2, 1}, {3 / std::sqrt(5.0 * 26), 8 / std::sqrt(25.0 * 4)}),
              1e-12);
  const Tensor zero = zeros({2, 2}, float64);
  check_same("of zeros", Dot({.axes = 1, .normalize = true})({a, zero}), zeros({2, 1}, float64));
  const Tensor large = tensor<float>({3e19F, 4e19F}, {1, 2});  // their squares are infinite
  check_close("of large ones", Dot({.axes = 1, .normalize = true})({large, reverse(large, 1)}),
              full({1, 1}, 0.96), 1e-6);
}

BOOST_AUTO_TEST_CASE(gradients) {
  const Tensor x = normal({2, 3, 4}), y = normal({2, 3, 4}, 2), z = normal({2, 4}, 3);
  for (const Elementwise& e : elementwise) {
    const GradCheck two = gradcheck(e.make({}), Tensors{x, z});
    BOOST_TEST(two.passed(), e.name << "\n" << two);
    if (e.of_three.empty()) continue;
    const GradCheck three = gradcheck(e.make({}), Tensors{x, y, z});
    BOOST_TEST(three.passed(), e.name << "\n" << three);
  }
  const GradCheck beside = gradcheck(Concatenate({.axis = 1}), Tensors{x, y});
  BOOST_TEST(beside.passed(), beside);
  for (bool normalize : {false, true}) {
    const GradCheck dot = gradcheck(Dot({.axes = {2, 1}, .normalize = normalize}), Tensors{x, z});
    BOOST_TEST(dot.passed(), dot);
  }
}

// A step counts if all inputs count it. An input without a mask counts as a whole.
BOOST_AUTO_TEST_CASE(masks) {
  const Tensor one = bools({1, 1, 0, 1, 0, 0}), other = bools({1, 0, 1, 1, 1, 0});
  const Tensor x = with_mask(normal({2, 3, 4}), one), y = with_mask(normal({2, 3, 4}, 2), other),
               bare = normal({2, 3, 4}, 3), both = bools({1, 0, 0, 1, 0, 0});
  for (const Elementwise& e : elementwise) {
    const Layer merge = e.make({});
    check_same(e.name, mask_of(merge({x, y})), both);
    check_same(e.name, mask_of(merge({bare, y})), other);
    check_same(e.name, mask_of(merge({x, normal({2, 4})})), one);
    BOOST_TEST(!mask_of(merge({bare, bare})));
    check_same("of the call", mask_of(merge({x, y}, {.mask = bools({0, 1, 1, 1, 1, 1})})),
               bools({0, 1, 1, 1, 1, 1}));
  }
  check_same("features", mask_of(Concatenate()({x, y, bare})), both);
  check_same("time", mask_of(Concatenate({.axis = 1})({x, bare, y})),
             concat({one, ones({2, 3}, bool_), other}, 1));
  BOOST_TEST(!mask_of(Dot({.axes = 2})({x, y})));
  BOOST_TEST(!mask_of(Dot({.axes = {2, 1}})({x, normal({2, 4})})));
}

// A masked step may hold anything: it does not affect the gradient of the other factor.
BOOST_AUTO_TEST_CASE(masked_steps_spoil_no_gradient) {
  const Tensor mask = bools({1, 1, 0, 1, 0, 0}), steps = expand_dims(mask, -1);
  const Tensor x = normal({2, 3, 4}), good = normal({2, 3, 4}, 2);
  const auto gradient_of = [&](const Tensor& other) {
    const Tensor leaf = parameter(x);
    const Tensor y = Multiply()({leaf * 1, with_mask(other, mask)});
    check_same("the mask", mask_of(y), mask);
    return gradient(sum(where(steps, with_mask(y, {}), 0)), {leaf})[0];
  };
  check_close("Multiply", gradient_of(where(steps, good, std::nan(""))), gradient_of(good), 1e-12);
  const Tensor whole = cast(steps, int32) * 3;
  check_same("whole numbers", with_mask(Multiply()({with_mask(whole, mask), whole}), {}),
             whole * whole);
}

// Padding that an embedding marked stays marked through two branches and their sum.
BOOST_AUTO_TEST_CASE(a_model_of_branches) {
  set_seed(3);
  const Tensor ids = tensor<int>({1, 2, 0, 2, 0, 0, 1, 1, 1}, {3, 3});
  const Layer table = Embedding({.input_dim = 3, .output_dim = 4, .mask_zero = true}),
              left = LSTM({.units = 4, .return_sequences = true}), right = Dense({.units = 4}),
              sum_of = Add(), head = LSTM({.units = 2});
  Model model({table, left, right, sum_of, head}, [=](const Tensors& in) {
    const Tensor h = table(in[0]);
    return head(sum_of({left(h), right(h)}));
  });
  const Tensor whole = model(ids);
  const Tensor short_one = model(tensor<int>({2}, {1, 1}));
  check_close("as if the padding were not there", slice(whole, 0, 1, 2), short_one, 1e-6);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit) {
  const Tensor x = zeros({2, 3, 4});
  const auto say = [](const Layer& layer, const Tensors& given) {
    return error_of([&] { layer(given); });
  };
  for (const char* name : {"Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"})
    BOOST_TEST(say(layer(name), {x}) ==
               std::string(name) +
                   ": takes two inputs or more, got 1.\n"
                   "  Give them in one list, layer({a, b}), in a Model with a function.");
  for (const Layer& two : {Subtract(), Dot({.axes = 1})})
    BOOST_TEST(say(two, {x, x, x}) ==
               two.type_name() +
                   ": takes two inputs, got 3.\n"
                   "  Give them in one list, layer({a, b}), in a Model with a function.");
  BOOST_TEST(say(Add(), {x, zeros({3, 3, 4})}) ==
             "Add: the inputs are [2, 3, 4] and [3, 3, 4]; all begin with the same batch.");
  BOOST_TEST(say(Maximum(), {x, x, zeros({2, 5, 4})}) ==
             "Maximum: the inputs are [2, 3, 4], [2, 3, 4] and [2, 5, 4]; along each axis their "
             "extents are equal, or 1.");
  BOOST_TEST(say(Add(), {x, zeros({2, 3})}) ==
             "Add: the inputs are [2, 3, 4] and [2, 3]; along each axis their extents are equal, "
             "or 1.");
  BOOST_TEST(say(Average(), {zeros({2, 1}, int32), zeros({2, 1}, int32)}) ==
             "Average: needs float32 or float64, got [2, 1] int32.\n"
             "  cast(x, float32) makes it so.");
  BOOST_TEST(say(Concatenate({.axis = 1}), {x, zeros({2, 3, 5})}) ==
             "Concatenate: axis is 1, the inputs are [2, 3, 4] and [2, 3, 5].\n"
             "  They have the same axes, and the same extents but along that one.");
  BOOST_TEST(say(Concatenate({.axis = 3}), {x, x}) ==
             "Concatenate: axis is 3, the inputs are [2, 3, 4] and [2, 3, 4].\n"
             "  They have the same axes, and the same extents but along that one.");
  BOOST_TEST(say(Dot({}), {x, x}) ==
             "Dot: axes is not set; it is the axis of each input that is summed over.\n"
             "  Give one for both, Dot({.axes = -1}), or one each, Dot({.axes = {2, 1}}).");
  for (const Integers& odd : {Integers(0), Integers(3), Integers{1, 2, 1}})
    BOOST_TEST(say(Dot({.axes = odd}), {x, x}) ==
               "Dot: axes is " + to_string(odd) +
                   ", the inputs are [2, 3, 4] and [2, 3, 4].\n"
                   "  Name one axis after the batch for both, or one each.");
  BOOST_TEST(say(Dot({.axes = {1, 2}}), {x, x}) ==
             "Dot: axis 1 of [2, 3, 4] has 3 elements, axis 2 of [2, 3, 4] has 4; both are as "
             "long.");
}

BOOST_AUTO_TEST_CASE(options_come_back) {
  check_same("one number is a list of one", layer("Dot", {{"axes", 1}})({a, b}),
             Dot({.axes = 1})({a, b}));
  const Layer dot = Dot({.axes = {2, 1}, .normalize = true}), again = recreated(dot);
  const Tensor x = normal({2, 3, 4}), y = normal({2, 4}, 2);
  check_same("Dot", again({x, y}), dot({x, y}));
  const Layer beside = recreated(Concatenate({.axis = 1}));
  BOOST_TEST((beside({x, x}).shape() == Shape{2, 6, 4}));
}
