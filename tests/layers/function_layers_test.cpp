// SPDX-License-Identifier: Apache-2.0
// Functions as layers: Activation, Identity, ReLU and its relatives, Softmax, Lambda.
#define BOOST_TEST_MODULE function_layers
#include <tempo/gradcheck.hpp>
#include <tempo/layers.hpp>
#include <tempo/model.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Tensor row(const std::vector<double>& values) {
  return tensor(values, {1, static_cast<int64_t>(values.size())}, float64);
}
const Tensor x = row({-3, -1, 0, 0.5, 2, 7});

Tensor doubled(const Tensor& t) { return 2 * t; }

}  // namespace

BOOST_AUTO_TEST_CASE(activations_as_layers) {
  const Layer relu_layer = Activation("relu");
  check_same("relu", relu_layer(x), row({0, 0, 0, 0.5, 2, 7}));
  BOOST_TEST(relu_layer.name() == "activation");
  check_close("tanh", layer("Activation", {{"activation", "tanh"}})(x), tanh(x), 1e-15);
  check_same("of its own name", layer("Activation", {{"name", "a"}, {"activation", "relu6"}})(x),
             row({0, 0, 0, 0.5, 2, 6}));
  Sequential model({Dense({.units = 3}), Activation("softmax")});
  check_close("in a stack", sum(model(zeros({2, 4})), -1), ones({2}), 1e-6);
  check_same("Identity", Identity()(x), x);
}

BOOST_AUTO_TEST_CASE(rectified_linear_units) {
  check_same("ReLU", ReLU()(x), row({0, 0, 0, 0.5, 2, 7}));
  check_same("at most", ReLU({.max_value = 6})(x), row({0, 0, 0, 0.5, 2, 6}));
  check_same("with a slope", ReLU({.negative_slope = 0.5})(x), row({-1.5, -0.5, 0, 0.5, 2, 7}));
  check_same("above 1", ReLU({.threshold = 1})(x), row({0, 0, 0, 0, 2, 7}));
  check_same("all of it", ReLU({.max_value = 3, .negative_slope = 0.5, .threshold = 1})(x),
             row({-2, -1, -0.5, -0.25, 2, 3}));
  check_close("LeakyReLU", LeakyReLU()(x), row({-0.9, -0.3, 0, 0.5, 2, 7}), 1e-15);
  check_close("LeakyReLU of 0.1", LeakyReLU({.negative_slope = 0.1})(x),
              row({-0.3, -0.1, 0, 0.5, 2, 7}), 1e-15);
  const double e3 = std::exp(-3) - 1, e1 = std::exp(-1) - 1;
  check_close("ELU", ELU()(x), row({e3, e1, 0, 0.5, 2, 7}), 1e-15);
  check_close("ELU of 2", ELU({.alpha = 2})(x), row({2 * e3, 2 * e1, 0, 0.5, 2, 7}), 1e-15);
  const Tensor none = row({std::nan("")});
  for (const Layer& each : {ReLU(), ReLU({.max_value = 6}), ReLU({.threshold = 1}), LeakyReLU()})
    BOOST_TEST(std::isnan(each(none).item()), each.type_name());
}

BOOST_AUTO_TEST_CASE(learned_slopes) {
  const Layer own = PReLU({.alpha_initializer = constant(0.25), .dtype = float64});
  check_same("PReLU", own(x), row({-0.75, -0.25, 0, 0.5, 2, 7}));
  BOOST_REQUIRE_EQUAL(own.weights().size(), 1u);
  BOOST_TEST(own.weights()[0].path() == "p_re_lu/alpha");
  BOOST_TEST((own.weights()[0].shape() == Shape{6}));
  const Layer shared = PReLU({.shared_axes = 1, .dtype = float64});
  const Tensor steps = normal({2, 3, 4});
  check_same("0 at first", shared(steps), relu(steps));
  BOOST_TEST((shared.weights()[0].shape() == Shape{1, 4}));
  assign(shared.weights()[0], tensor<double>({1, 2, 3, 4}, {1, 4}, float64));
  check_close("shared by steps", shared(steps),
              where(steps > 0, steps, steps * tensor<double>({1, 2, 3, 4}, {4}, float64)), 1e-15);
}

BOOST_AUTO_TEST_CASE(softmax_of_what_counts) {
  const Tensor scores = normal({2, 3, 4});
  check_close("features", Softmax()(scores), exp(scores) / sum(exp(scores), -1, true), 1e-12);
  check_close("time", Softmax({.axis = 1})(scores), exp(scores) / sum(exp(scores), 1, true), 1e-12);
  check_close("both", Softmax({.axis = {1, 2}})(scores),
              exp(scores) / sum(exp(scores), {1, 2}, true), 1e-12);

  // A mask of steps: masked steps have no share, and a sequence without steps has none at all.
  const Tensor mask = tensor<bool>({true, true, false, false, false, false}, {2, 3});
  const Tensor counts = cast(reshape(mask, {2, 3, 1}), float64);
  const Tensor e = exp(scores) * counts;
  const Tensor expected = e / maximum(sum(e, 1, true), 1e-30);
  for (const Tensor& y : {Softmax({.axis = 1})(with_mask(scores, mask)),
                          Softmax({.axis = 1})(scores, {.mask = mask})}) {
    check_close("masked time", y, expected, 1e-12);
    check_same("the mask", mask_of(y), mask);
  }
  check_close("masked features", Softmax()(with_mask(scores, mask)), softmax(scores) * counts,
              1e-12);
  // A mask of elements, as for attention scores.
  const Tensor some = scores > 0;
  const Tensor f = exp(scores) * cast(some, float64);
  check_close("a mask of elements", Softmax()(scores, {.mask = some}),
              f / maximum(sum(f, -1, true), 1e-30), 1e-12);
  const Tensor first = slice(some, 0, 0, 1);
  check_same("the same for the batch", Softmax()(scores, {.mask = first}),
             Softmax()(scores, {.mask = broadcast_to(first, {2, 3, 4})}));
}

BOOST_AUTO_TEST_CASE(gradients) {
  for (const Layer& each :
       {Layer(Activation("gelu")), Identity(), ReLU(), ReLU({.max_value = 0.7}),
        ReLU({.negative_slope = 0.2, .threshold = 0.3}), LeakyReLU(), ELU({.alpha = 0.7}),
        PReLU({.alpha_initializer = constant(0.3), .shared_axes = {1}}), PReLU(), Softmax(),
        Softmax({.axis = 1}), Softmax({.axis = {1, 2}}), Lambda(doubled),
        Lambda([](const Tensor& t) { return t * sin(t); })}) {
    const GradCheck report = gradcheck(each, Shape{2, 3, 4});
    BOOST_TEST(report.passed(), each.type_name() << "\n" << report);
  }
  const Tensor mask = tensor<bool>({true, true, false, false, true, true}, {2, 3});
  const GradCheck masked = gradcheck(
      [&](const Tensors& in) { return square(Softmax({.axis = 1})(in[0], {.mask = mask})); },
      {normal({2, 3, 4})});
  BOOST_TEST(masked.passed(), masked);
}

BOOST_AUTO_TEST_CASE(masks_are_kept) {
  const Tensor mask = tensor<bool>({true, true, false, false, true, true}, {2, 3}),
               other = tensor<bool>({true, true, true, false, true, true}, {2, 3});
  const Tensor steps = with_mask(normal({2, 3, 4}), mask);
  for (const Layer& each : {Layer(Activation("tanh")), Identity(), ReLU(), LeakyReLU(), ELU(),
                            PReLU({.dtype = float64}), Softmax(), Lambda(doubled)}) {
    check_same(each.type_name(), mask_of(each(steps)), mask);
    check_same(each.type_name(), mask_of(each(steps, {.mask = other})), other);
  }
}

// A masked step may hold anything: it makes no gradient NaN.
BOOST_AUTO_TEST_CASE(masked_steps_spoil_no_gradient) {
  const Tensor mask = tensor<bool>({true, false, true}, {1, 3}), steps = reshape(mask, {1, 3, 1});
  const Tensor good = normal({1, 3, 4});
  for (const double padding : {std::nan(""), 1e4, 1e300})
    for (const Layer& each : {Layer(Activation("tanh")), Layer(Activation("softmax")),
                              Layer(Activation("exponential")), ReLU(), LeakyReLU(), ELU()}) {
      const Tensor bad = where(steps, good, padding);
      const auto gradient_of = [&](const Tensor& values) {
        const Tensor leaf = parameter(values);
        const Tensor y = each(leaf, {.mask = mask});
        return gradient(sum(where(steps, y * good, 0)), {leaf})[0];
      };
      check_close(each.type_name(), gradient_of(bad), gradient_of(good), 1e-12);
    }
}

// --- Lambda

BOOST_AUTO_TEST_CASE(a_lambda_runs_its_function) {
  const double factor = 3;
  check_same("of one", Lambda([=](const Tensor& t) { return factor * t; })(x), 3 * x);
  check_same("of several", Lambda([](const Tensors& in) { return in[0] - in[1]; })({x, 2 * x}), -x);
  check_same("a function", Lambda(doubled)(x), 2 * x);
  const Layer two = Lambda([](const Tensor& t) { return Tensors{t, -t}; });
  BOOST_REQUIRE_EQUAL(two.call({x}).size(), 2u);
  check_same("the second", two.call({x})[1], -x);
  const Layer sees =
      Lambda([](const Tensor& t, const CallOptions& call) { return call.training ? 2 * t : t; });
  check_same("prediction", sees(x), x);
  check_same("training", sees(x, {.training = true}), 2 * x);
  BOOST_TEST(sees.name() == "lambda");
  BOOST_TEST(Lambda("times_two", doubled).name() == "times_two");
  check_same("made anew", recreated(Lambda([=](const Tensor& t) { return factor * t; }))(x), 3 * x);
}

// Padding counts if the function's mask says so.
BOOST_AUTO_TEST_CASE(the_mask_of_a_lambda_is_that_of_its_ops) {
  const Tensor mask = tensor<bool>({true, true, false}, {1, 3});
  const Tensor steps = with_mask(normal({1, 3, 4}), mask);
  BOOST_TEST(!mask_of(Lambda([](const Tensor& t) { return sum(t, 1); })(steps)));
  const Layer mask_seen = Lambda([](const Tensor& t, const CallOptions& call) {
    return sum(where(expand_dims(call.mask, -1), t, 0), 1);
  });
  check_close("call.mask", mask_seen(steps), sum(slice(steps, 1, 0, 2), 1), 1e-15);
}

BOOST_AUTO_TEST_CASE(a_file_holds_the_name_of_a_function) {
  const Tensor in = randn({4, 3});
  const auto shifted = [](const Tensor& t) { return t + 1; };
  Sequential model(
      {Dense({.units = 2}), Lambda("times_two", doubled), Lambda(shifted), Dense({.units = 1})});
  model.compile({.loss = "mse"});
  const Tensor y = model(in);
  const std::string path = in_folder("lambda.safetensors");
  model.save(path);
  const Sequential loaded =
      load_model(path, {.layers = {lambda("times_two", doubled), lambda("Lambda", shifted)}});
  check_same("prediction", loaded(in), y);
  BOOST_TEST(loaded.summary_text() == model.summary_text());
  check_error(error_of<PluginError>([&] { load_model(path); }),
              "there is no layer named `times_two`");
  check_error(
      error_of<PluginError>([&] { load_model(path); }),
      "\n  A layer's class goes into .layers: load_model(path, {.layers = "
      "{layer<MyLayer>(\"My\")}}), a Lambda's function as lambda(\"my\", f); a cell's class "
      "into .cells.");
}

BOOST_AUTO_TEST_CASE(two_functions_of_one_name_are_not_saved) {
  const auto negated = [](const Tensor& t) { return -t; };
  const auto save = [](std::initializer_list<Layer> layers) {
    Sequential model(layers);
    model.build({{-1, 3}});
    model.save(in_folder("two.safetensors"));
  };
  BOOST_TEST(error_of([&] {
               save({Lambda(doubled), Dense({.units = 1}), Lambda(negated)});
             }) ==
             "save: `lambda` and `lambda_1` are of two classes or functions that are both called "
             "Lambda, and a file has the name alone.\n"
             "  Give each a name of its own, as in Lambda(\"doubled\", f).");
  save({Lambda(doubled), Dense({.units = 1}), Lambda("negated", negated)});
  save({Lambda(negated), Dense({.units = 1}), Lambda(negated)});
  // A model of a function is never remade from its file.
  const Layer one = Lambda(doubled), two = Lambda(negated), dense = Dense({.units = 1});
  Model model({one, two, dense}, [=](const Tensors& in) { return dense(two(one(in[0]))); });
  model.build({{-1, 3}});
  model.save(in_folder("two.safetensors"));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit) {
  const Tensor steps = zeros({2, 3, 4});
  BOOST_TEST(error_of([] { Lambda("my layer", doubled); }) ==
             "Lambda: \"my layer\" cannot be the name of a function in a file; it is letters, "
             "digits and _.");
  BOOST_TEST(error_of([&] {
               Lambda(doubled)({steps, steps});
             }) ==
             "Lambda: its function takes one input, got 2.\n"
             "  A function of `const Tensors& x` takes several.");
  check_error(error_of([] {
                layer("Activation", {{"activation", "rleu"}});
              }),
              "activation `rleu`: there is none by that name; did you mean `relu`?");
  BOOST_TEST(error_of([] { ReLU({.max_value = -1}); }) ==
             "ReLU: option `max_value` is -1; it must be at least 0.");
  BOOST_TEST(error_of([&] { PReLU({.shared_axes = 3})(steps); }) ==
             "PReLU: shared_axes is [3], the input has 3 axes.\n"
             "  It names axes after the batch, each once; -1 is the last.");
  for (const int64_t odd : {(int64_t{1} << 32) + 1, std::numeric_limits<int64_t>::min()})
    BOOST_TEST(error_of([&] { Softmax({.axis = odd})(steps); }) ==
               "Softmax: axis is [" + std::to_string(odd) +
                   "], the input has 3 axes.\n"
                   "  It names axes after the batch, each once; -1 is the last.");
  BOOST_TEST(error_of([&] { Softmax({.axis = {}})(steps); }) ==
             "Softmax: axis names none; -1 is the last.");
  for (const Tensor& odd : {ones({2, 4}, bool_), ones({3, 4}, bool_), ones({2, 3})})
    BOOST_TEST(
        error_of([&] { Softmax()(steps, {.mask = odd}); }) ==
        "Softmax: the mask does not fit the input\n  input  [2, 3, 4]\n  mask   " +
            to_string(odd.shape(), odd.dtype()) +
            "\n  It must be bool, with as many axes, 1 where it is the same along one; or of "
            "the first axes, [batch, time].");
  for (const char* name : {"ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax"})
    BOOST_TEST(error_of([&] {
                 layer(name)(zeros({2, 3}, int32));
               }) == std::string(name) +
                         ": needs float32 or float64, got [2, 3] int32.\n"
                         "  cast(x, float32) makes it so.");
}
