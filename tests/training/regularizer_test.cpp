// SPDX-License-Identifier: Apache-2.0
// Regularizers and constraints: their formulas, how options carry them, their effect in training,
// and losses that layers add.
#define BOOST_TEST_MODULE regularizer
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include <tempo/tempo.hpp>

#include "files.hpp"
#include "printed.hpp"
#include "testing.hpp"

using namespace tempo;
using testing::check_close;
using testing::check_same;
using testing::error_of;
using testing::normal;

namespace {

const auto near = boost::test_tools::tolerance(1e-5);

Tensor matrix() { return tensor<double>({3, -4, 0, 1, 2, -2}, {3, 2}, float64); }

// y = x kernel with one input and two outputs, all numbers known.
Sequential known(DenseOptions options, const Optimizer& optimizer = SGD({.learning_rate = 0.1})) {
  options.units = 2;
  options.use_bias = false;
  options.kernel_initializer = "ones";
  Sequential model({Dense(options)});
  model.build({{-1, 1}});
  assign(model.weights()[0], tensor<float>({2, -3}, {1, 2}));
  model.compile({.optimizer = optimizer, .loss = "mse"});
  return model;
}
const Tensor x = tensor<float>({1, 2}, {2, 1}), y = tensor<float>({0, 0, 0, 0}, {2, 2});
// mean of (2, -3, 4, -6)^2
const double data_loss = (4 + 9 + 16 + 36) / 4.0;

struct AddingOptions {
  double factor = 1;
};
void describe(auto& option, AddingOptions& o) { option("factor", o.factor, "Of its loss."); }
// Adds factor * sum |x| to the loss.
struct AddingLayer : LayerOf<AddingOptions> {
  using LayerOf::LayerOf;
  Tensor call(const Tensor& given, const CallOptions&) const {
    add_loss(options.factor * sum(abs(given)));
    return given;
  }
};

struct InnerOptions {
  Layer inner;
};
void describe(auto& option, InnerOptions& o) { option("inner", o.inner, "What each step calls."); }
struct InnerCell : Cell<InnerOptions> {
  using Cell::Cell;
  static constexpr int state_count = 0;
  Step step(const Tensor& now, const State&) const { return {.output = options.inner(now)}; }
};

}  // namespace

// --- Formulas -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(penalties_are_those_of_keras) {
  const Tensor w = matrix();
  const auto cosine = [](double a, double b, double c, double d) {
    return std::abs(a * c + b * d) / std::sqrt((a * a + b * b) * (c * c + d * d));
  };
  // Three pairs of rows, one of columns.
  const double rows = cosine(3, -4, 0, 1) + cosine(3, -4, 2, -2) + cosine(0, 1, 2, -2);
  const double columns = std::abs(3 * -4 + 0 * 1 + 2 * -2) / std::sqrt(13.0 * 21.0);
  const struct {
    Regularizer regularizer;
    double expected;
  } cases[] = {
      {"l1", 0.01 * 12},
      {L1(0.5), 0.5 * 12},
      {"L1(0.5)", 0.5 * 12},
      {"l2", 0.01 * 34},
      {"l2(0.5)", 0.5 * 34},
      {L2(0.5), 0.5 * 34},
      {"l1_l2", 0},
      {"L1L2(l2=0.5)", 0.5 * 34},
      {L1L2({.l1 = 0.25, .l2 = 0.5}), 0.25 * 12 + 0.5 * 34},
      {"orthogonal_regularizer", 0.01 * rows / 3},
      {OrthogonalRegularizer({.factor = 2, .mode = "columns"}), 2 * columns},
      {"", 0},
      {nullptr, 0},
  };
  for (const auto& c : cases)
    BOOST_TEST(c.regularizer(w).item() == c.expected, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(Regularizer("orthogonal_regularizer")(ones({1, 4})).item() == 0);  // no pair
  BOOST_TEST(L1L2({.l1 = 0.01}).text() == "l1_l2(l1=0.01, l2=0)");
}

BOOST_AUTO_TEST_CASE(penalties_have_gradients) {
  for (const Regularizer& r :
       {L1(0.5), L2(0.5), L1L2({.l1 = 0.1, .l2 = 0.2}), OrthogonalRegularizer({.factor = 2})}) {
    const GradCheck check =
        gradcheck([&](const Tensors& in) { return r(in[0]); }, {normal({3, 4})});
    BOOST_TEST(check.passed(), r.text() << "\n" << check);
  }
}

BOOST_AUTO_TEST_CASE(constraints_are_those_of_keras) {
  const Tensor w = matrix();
  const double a = std::sqrt(13.0), b = std::sqrt(21.0), e = 1e-7;  // norms of the columns
  const auto columns = [&](double first, double second) {
    return tensor<double>({3 * first, -4 * second, 0, second, 2 * first, -2 * second}, {3, 2},
                          float64);
  };
  const auto rows = [&](double p, double q, double r) {
    return tensor<double>({3 * p, -4 * p, 0, q, 2 * r, -2 * r}, {3, 2}, float64);
  };
  const double all = std::sqrt(34.0), third = std::sqrt(8.0);
  const struct {
    Constraint constraint;
    Tensor expected;
  } cases[] = {
      {"max_norm", columns(2 / (e + a), 2 / (e + b))},
      {MaxNorm(4), columns(a / (e + a), 4 / (e + b))},
      {MaxNorm({.max_value = 2.5, .axis = {1}}),
       rows(2.5 / (e + 5), 1 / (e + 1), 2.5 / (e + third))},
      {MaxNorm({.max_value = 2, .axis = {0, 1}}), columns(2 / (e + all), 2 / (e + all))},
      {"MaxNorm(2, axis=[0, 1])", columns(2 / (e + all), 2 / (e + all))},
      {"max_norm(2, axis=-1)", rows(2 / (e + 5), 1 / (e + 1), 2 / (e + third))},
      {"non_neg", tensor<double>({3, 0, 0, 1, 2, 0}, {3, 2}, float64)},
      {NonNeg(), tensor<double>({3, 0, 0, 1, 2, 0}, {3, 2}, float64)},
      {"unit_norm", columns(1 / (e + a), 1 / (e + b))},
      {UnitNorm({.axis = {1}}), rows(1 / (e + 5), 1 / (e + 1), 1 / (e + third))},
      {"min_max_norm", columns(1 / (e + a), 1 / (e + b))},
      {MinMaxNorm({.min_value = 4, .max_value = 4.2, .rate = 0.5}),
       columns((0.5 * 4 + 0.5 * a) / (e + a), (0.5 * 4.2 + 0.5 * b) / (e + b))},
      {"", w},
  };
  for (const auto& c : cases) check_close(c.constraint.text(), c.constraint(w), c.expected, 1e-12);
  // Its squares are too large for a float.
  const Tensor large = tensor<float>({3e19F, 4e19F}, {2, 1});
  const auto scaled = [](float by) { return tensor<float>({0.6F * by, 0.8F * by}, {2, 1}); };
  check_close("max_norm of large ones", Constraint("max_norm")(large), scaled(2), 1e-6);
  check_close("unit_norm of large ones", Constraint("unit_norm")(large), scaled(1), 1e-6);
  check_close("min_max_norm of large ones", Constraint("min_max_norm")(large), scaled(1), 1e-6);
}

BOOST_AUTO_TEST_CASE(a_text_that_is_none_says_so) {
  const auto penalty = [](const Regularizer& r) { return error_of([&] { r(matrix()); }); };
  const auto projection = [](const Constraint& c) { return error_of([&] { c(matrix()); }); };
  BOOST_TEST(penalty("l3") ==
             "regularizer `l3`: there is none by that name.\n"
             "  There are l1, l1_l2, l2, orthogonal_regularizer.");
  BOOST_TEST(penalty("l2(l1=1)") ==
             "regularizer `l2(l1=1)`: it has no argument `l1`. It takes l2.");
  BOOST_TEST(penalty("l2(-1)") == "regularizer `l2(-1)`: `l2` must not be below 0.");
  BOOST_TEST(penalty("l1(inf)") == "regularizer `l1(inf)`: `l1` must be finite.");
  BOOST_TEST(penalty("orthogonal_regularizer(mode=row)") ==
             "regularizer `orthogonal_regularizer(mode=row)`: `mode` is `row`; it may be rows or "
             "columns.");
  BOOST_TEST(projection("maxnorm") ==
             "constraint `maxnorm`: there is none by that name; did you mean `max_norm`?\n"
             "  There are max_norm, min_max_norm, non_neg, unit_norm.");
  BOOST_TEST(projection("non_neg(1)") == "constraint `non_neg(1)`: it has too many arguments.");
  BOOST_TEST(projection("max_norm(axis=[0, x])") ==
             "constraint `max_norm(axis=[0, x])`: `axis` is `x`, not an axis or a list of axes.");
  BOOST_TEST(projection("min_max_norm(2, 1)") ==
             "constraint `min_max_norm(2, 1)`: `min_value` must not be above `max_value`.");
  BOOST_TEST(projection("min_max_norm(rate=2)") ==
             "constraint `min_max_norm(rate=2)`: `rate` must be within [0, 1].");
  BOOST_TEST(projection("max_norm(axis=2)") ==
             "length: axis 2 of a tensor with 2 axes.\n  It must lie in [-2, 1].");
}

// --- Options ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(options_carry_them_by_name_and_refuse_what_is_none) {
  const Layer named = layer("LSTM", {{"units", 2},
                                     {"kernel_regularizer", "l2(0.5)"},
                                     {"recurrent_constraint", "UnitNorm(axis=1)"},
                                     {"activity_regularizer", "l1"}});
  BOOST_TEST(std::string(sdk::given(named, "kernel_regularizer")->text) == "l2(0.5)");
  BOOST_TEST(error_of([&] { Dense({.units = 1, .kernel_regularizer = "l3"}); }) ==
             "Dense: option `kernel_regularizer`: regularizer `l3`: there is none by that name.\n"
             "  There are l1, l1_l2, l2, orthogonal_regularizer.");
  BOOST_TEST(error_of([&] { GRU({.units = 1, .bias_constraint = "positive"}); }) ==
             "GRU: option `bias_constraint`: constraint `positive`: there is none by that name.\n"
             "  There are max_norm, min_max_norm, non_neg, unit_norm.");
  BOOST_TEST(error_of([&] {
               layer("Dense", {{"units", 1}, {"kernel_regularizer", 0.01}});
             }) ==
             "Dense: option `kernel_regularizer` is a regularizer, as \"l2\" or \"l1(0.001)\", got "
             "0.01.");
  // The error comes when the layer is built with a weight that does not fit.
  Sequential one({Dense({.units = 3, .bias_constraint = UnitNorm({.axis = {1}})})});
  BOOST_TEST(error_of([&] {
               one.build({{-1, 2}});
             }) ==
             "dense/bias: length: axis 1 of a tensor with 1 axes.\n  It must lie in [-1, 0].");
  // A cell has no outputs of its own, so no activity_regularizer.
  BOOST_TEST(error_of([&] {
               LSTMOptions o{.units = 2};
               o.activity_regularizer = "l2";
               RNN(LSTMCell(o));
             }) ==
             "LSTM: activity_regularizer is an option of layers, and this is a cell.\n  Give it to "
             "the layer that runs it: RNN(cell, {.activity_regularizer = \"l2\"}).");
}

BOOST_AUTO_TEST_CASE(every_layer_has_the_options_of_keras) {
  const auto all = [](const Layer& of) {
    std::string names;
    const tempo_layer_type& type = *of.view().type;
    for (const tempo_option& o : std::span(type.options, type.n_options))
      if (o.kind == TEMPO_OPTION_REGULARIZER || o.kind == TEMPO_OPTION_CONSTRAINT)
        names += std::string(o.name) + " ";
    return names;
  };
  const std::string recurrent =
      "kernel_regularizer recurrent_regularizer bias_regularizer kernel_constraint "
      "recurrent_constraint bias_constraint ";
  const std::string activity = "activity_regularizer ";
  BOOST_TEST(all(LSTM({.units = 1})) == recurrent + activity);
  BOOST_TEST(all(GRU({.units = 1})) == recurrent + activity);
  BOOST_TEST(all(SimpleRNN({.units = 1})) == recurrent + activity);
  BOOST_TEST(all(cell("LSTM", {{"units", 1}})) == recurrent);
  BOOST_TEST(all(RNN(cell("LSTM", {{"units", 1}}))) == activity);
  BOOST_TEST(all(Dense({.units = 1})) ==
             "kernel_regularizer bias_regularizer kernel_constraint bias_constraint " + activity);
  BOOST_TEST(all(Embedding({.input_dim = 1, .output_dim = 1})) ==
             "embeddings_regularizer embeddings_constraint " + activity);
}

BOOST_AUTO_TEST_CASE(each_weight_has_its_own) {
  const struct {
    Layer layer;
    Shape input;
  } cases[] = {
      {LSTM({.units = 2,
             .bias_initializer = "ones",
             .kernel_regularizer = L2(2),
             .recurrent_regularizer = L2(3),
             .bias_regularizer = L2(5)}),
       {4, 3, 2}},
      {GRU({.units = 2,
            .bias_initializer = "ones",
            .kernel_regularizer = L2(2),
            .recurrent_regularizer = L2(3),
            .bias_regularizer = L2(5)}),
       {4, 3, 2}},
      {SimpleRNN({.units = 2,
                  .bias_initializer = "ones",
                  .kernel_regularizer = L2(2),
                  .recurrent_regularizer = L2(3),
                  .bias_regularizer = L2(5)}),
       {4, 3, 2}},
  };
  for (const auto& c : cases) {
    c.layer.build({c.input});
    const Tensors w = c.layer.weights();
    const auto squares = [&](std::size_t i) { return sum(square(w[i])).item(); };
    BOOST_TEST(
        regularization_loss(c.layer).item() == 2 * squares(0) + 3 * squares(1) + 5 * squares(2),
        near);
  }
  const Layer embedding = Embedding({.input_dim = 3,
                                     .output_dim = 2,
                                     .embeddings_initializer = "ones",
                                     .embeddings_regularizer = "l1(2)"});
  embedding.build({{1, 1}});
  BOOST_TEST(regularization_loss(embedding).item() == 12);
  const Layer dense = Dense({.units = 2,
                             .kernel_initializer = "ones",
                             .bias_initializer = "ones",
                             .bias_regularizer = "l1(2)"});
  dense.build({{1, 3}});
  BOOST_TEST(regularization_loss(dense).item() == 4);
}

BOOST_AUTO_TEST_CASE(a_file_keeps_them) {
  const std::string path = "/tmp/tempo_regularizer_test_" + std::to_string(getpid());
  Sequential model = known({.kernel_regularizer = L2(0.5),
                            .activity_regularizer = L1(0.1),
                            .kernel_constraint = NonNeg()});
  model.save(path);
  Sequential loaded = load_model(path);
  std::remove(path.c_str());
  const Layer layer = loaded.layers()[0];
  BOOST_TEST(std::string(sdk::given(layer, "kernel_regularizer")->text) == "l2(l2=0.5)");
  BOOST_TEST(loaded.evaluate(x, y)["loss"] == model.evaluate(x, y)["loss"]);
  const FitOptions options{.shuffle = false, .verbose = 0};
  const History a = loaded.fit(x, y, options), b = model.fit(x, y, options);
  BOOST_TEST(a["loss"] == b["loss"], boost::test_tools::per_element());
  check_same("kernel", loaded.weights()[0], model.weights()[0]);
}

// --- Training -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_penalty_is_in_the_loss_of_fit_and_evaluate_and_moves_the_weight) {
  const double penalty = 0.5 * (4 + 9);
  Sequential model = known({.kernel_regularizer = L2(0.5)});
  BOOST_TEST(model.evaluate(x, y)["loss"] == data_loss + penalty, near);
  BOOST_TEST(regularization_loss(model).item() == penalty, near);
  const History history =
      model.fit(x, y, {.validation_data = {x, y}, .shuffle = false, .verbose = 0});
  BOOST_TEST(history["loss"][0] == data_loss + penalty, near);
  // dL/dw = mean over 4 of 2 x (x w) + 2 * 0.5 * w = 2.5 w + w, of which a tenth goes.
  check_close("kernel", model.weights()[0], tensor<float>({2 - 0.7F, -3 + 1.05F}, {1, 2}), 1e-6);
  const double after = 1.3 * 1.3 + 1.95 * 1.95;
  BOOST_TEST(history["val_loss"][0] == 1.25 * after + 0.5 * after, near);
}

BOOST_AUTO_TEST_CASE(a_weight_counts_once_and_a_frozen_one_not) {
  const Layer shared = Dense({.units = 1,
                              .use_bias = false,
                              .kernel_initializer = constant(3),
                              .kernel_regularizer = L1(1)});
  Model twice({shared}, [=](const Tensors& in) { return shared(shared(in[0])); });
  twice.build({{-1, 1}});
  BOOST_TEST(regularization_loss(twice).item() == 3);
  twice.compile({.optimizer = "sgd", .loss = "mse"});
  BOOST_TEST(twice.evaluate(ones({2, 1}), 9 * ones({2, 1}))["loss"] == 3);
  const Layer frozen = Dense(
      {.units = 1, .kernel_initializer = "ones", .kernel_regularizer = L1(1), .trainable = false});
  frozen.build({{1, 2}});
  BOOST_TEST(regularization_loss(frozen).item() == 0);
}

BOOST_AUTO_TEST_CASE(a_constraint_holds_after_each_step_of_any_optimizer) {
  // 0.1 of the data's gradient, 2.5 w, is subtracted; then negative numbers become 0.
  Sequential model = known({.kernel_constraint = NonNeg()});
  model.fit(x, y, {.verbose = 0});
  check_close("kernel", model.weights()[0], tensor<float>({1.5F, 0}, {1, 2}), 1e-6);
  for (const char* name : {"sgd", "sgd(momentum=0.9)", "adam", "rmsprop", "adagrad", "adadelta",
                           "adamax", "nadam", "ftrl", "lion", "lamb", "adafactor", "adamw"}) {
    Sequential unit = known({.kernel_constraint = UnitNorm({.axis = {0, 1}})}, Optimizer(name));
    unit.fit(x, y, {.batch_size = 1, .epochs = 2, .verbose = 0});
    BOOST_TEST_CONTEXT(name) { BOOST_TEST(sum(square(unit.weights()[0])).item() == 1, near); }
  }
}

BOOST_AUTO_TEST_CASE(a_large_weight_is_constrained_like_a_small_one) {  // these run in place else
  Sequential model({Dense({.units = 200, .use_bias = false, .kernel_constraint = MaxNorm(0.1)})});
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
  model.fit(cast(normal({4, 300}), float32), cast(normal({4, 200}), float32),
            {.batch_size = 1, .epochs = 3, .verbose = 0});
  const Tensor largest = max(sqrt(sum(square(model.weights()[0]), 0)));
  BOOST_TEST(largest.item() <= 0.1 * (1 + 1e-5));
  BOOST_TEST(largest.item() >= 0.09);
}

BOOST_AUTO_TEST_CASE(a_loop_of_ones_own_does_what_fit_does) {
  const DenseOptions options{.kernel_regularizer = L2(0.5),
                             .activity_regularizer = L1(0.3),
                             .kernel_constraint = MaxNorm({.max_value = 1.5})};
  Sequential fitted = known(options), own = known(options);
  const History history = fitted.fit(x, y, {.shuffle = false, .verbose = 0});

  const AddedLosses added;
  Tensor loss = mean(square(y - own(x, {.training = true}))) + regularization_loss(own);
  loss = loss + added.total();
  const Tensors weights = own.trainable_weights();
  Optimizer optimizer = SGD({.learning_rate = 0.1});
  optimizer.step(weights, gradient(loss, weights));
  BOOST_TEST(loss.item() == history["loss"][0], near);
  check_close("kernel", own.weights()[0], fitted.weights()[0], 1e-6);
}

BOOST_AUTO_TEST_CASE(outputs_are_penalized_for_each_sample) {
  // |2| + |-3| + |4| + |-6| over two samples.
  Sequential model = known({.activity_regularizer = L1(0.1)});
  BOOST_TEST(model.evaluate(x, y)["loss"] == data_loss + 0.1 * 15 / 2, near);
  check_close("predict", model.predict(x), tensor<float>({2, -3, 4, -6}, {2, 2}), 1e-6);
  model.fit(x, y, {.verbose = 0});
  // The gradient of the data, 2.5 w, and 0.1 / 2 * sum |x| * sign(w).
  check_close("kernel", model.weights()[0],
              tensor<float>({2 - 0.5F - 0.015F, -3 + 0.75F + 0.015F}, {1, 2}), 1e-6);
}

// Padding may be anything.
BOOST_AUTO_TEST_CASE(steps_that_a_mask_leaves_out_are_not_penalized) {
  const Tensor mask = tensor<bool>({true, true, false, true, false, false}, {2, 3});
  const Tensor steps = reshape(mask, {2, 3, 1});
  const Tensor x_good = where(steps, tensor<float>({2, 3, 0, 4, 0, 0}, {2, 3, 1}), 0);
  const auto loss = [&](const Layer& layer, double padding) {
    Sequential model({layer, Dense({.units = 1, .kernel_initializer = "zeros"})});
    model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
    const Tensor padded = with_mask(where(steps, x_good, padding), mask);
    return model.fit(padded, zeros({2, 3, 1}), {.verbose = 0})["loss"][0];
  };
  for (const double padding : {0.0, 7.0, static_cast<double>(NAN)}) BOOST_TEST_CONTEXT(padding) {
      BOOST_TEST(loss(ActivityRegularization({.l1 = 0.5}), padding) == 0.5 * 9 / 2, near);
      BOOST_TEST(
          loss(Dropout({.rate = 0, .activity_regularizer = L1(0.5)}), padding) == 0.5 * 9 / 2,
          near);
      BOOST_TEST(loss(Dense({.units = 1,
                             .kernel_initializer = "ones",
                             .bias_initializer = "ones",
                             .activity_regularizer = L1(0.5)}),
                      padding) == 0.5 * 12 / 2,
                 near);
    }
}

BOOST_AUTO_TEST_CASE(all_outputs_of_a_recurrent_layer_are_penalized) {
  for (const bool sequences : {false, true}) {
    const Layer lstm = LSTM({.units = 2,
                             .return_sequences = sequences,
                             .return_state = true,
                             .activity_regularizer = L2(1)});
    const Layer plain = RNN(cell("LSTM", {{"units", 2}}),
                            {.return_sequences = sequences, .activity_regularizer = L2(1)});
    const Tensor in = cast(normal({4, 3, 2}), float32);
    {
      const AddedLosses added;
      const Tensors out = lstm.call({in});
      double expected = 0;
      for (const Tensor& t : out) expected += sum(square(t)).item() / 4;
      BOOST_TEST(added.total().item() == expected, near);
    }
    const AddedLosses added;
    const double expected = sum(square(plain(in))).item() / 4;
    BOOST_TEST(added.total().item() == expected, near);
  }
}

BOOST_AUTO_TEST_CASE(any_layer_may_penalize_its_outputs) {
  const Regularizer l2 = L2(0.5);
  const Layer layers[] = {
      Bidirectional(GRU({.units = 3, .return_sequences = true}), {.activity_regularizer = l2}),
      Bidirectional(LSTM({.units = 3, .return_state = true}),
                    {.merge_mode = "none", .activity_regularizer = l2}),
      TimeDistributed(Dense({.units = 3}), {.activity_regularizer = l2}),
      ConvLSTM1D({.filters = 2, .kernel_size = {1}, .activity_regularizer = l2}),
      AveragePooling1D({.activity_regularizer = l2}),
      Flatten({.activity_regularizer = l2}),
      PReLU({.activity_regularizer = l2}),
      Dropout({.rate = 0.5, .activity_regularizer = l2}),
      LayerNormalization({.activity_regularizer = l2}),
      ActivityRegularization({.l2 = 0.5}),
      layer("Identity", {{"activity_regularizer", "l2(0.5)"}}),
  };
  for (const Layer& each : layers) {
    const bool over_places = each.type_name() == "ConvLSTM1D";
    const Tensor in = cast(over_places ? normal({4, 3, 2, 2}) : normal({4, 3, 2}), float32);
    (void)each.call({in});
    const AddedLosses added;
    double expected = 0;
    for (const Tensor& t : each.call({in})) expected += 0.5 * sum(square(t)).item() / 4;
    BOOST_TEST_CONTEXT(each.type_name()) { BOOST_TEST(added.total().item() == expected, near); }
  }
  const Tensor in = tensor<float>({1, -2, 3, 4}, {2, 2});
  const AddedLosses added;
  check_same("its input", ActivityRegularization({.l1 = 0.1, .l2 = 0.2})(in), in);
  BOOST_TEST(added.total().item() == (0.1 * 10 + 0.2 * 30) / 2, near);
}

BOOST_AUTO_TEST_CASE(all_projections_of_attention_are_penalized) {
  const Tensor q = cast(normal({2, 3, 4}, 1), float32), v = cast(normal({2, 5, 4}, 2), float32);
  const Layer attention = MultiHeadAttention({.num_heads = 2,
                                              .key_dim = 3,
                                              .use_bias = false,
                                              .use_gate = true,
                                              .activity_regularizer = L1(1)});
  attention.build({q.shape(), v.shape()});
  const auto sum_of = [&](const std::string& name, const Tensor& in) {
    for (const Tensor& w : attention.weights())
      if (w.path() == "multi_head_attention/" + name + "/kernel")
        return sum(abs(matmul(in, reshape(w, {4, 6})))).item() / 2;
    return std::nan("");
  };
  const AddedLosses added;
  const Tensor output = attention({q, v});
  const double expected = sum_of("query", q) + sum_of("key", v) + sum_of("gate", q) +
                          sum_of("value", v) + sum(abs(output)).item() / 2;
  BOOST_TEST(added.total().item() == expected, near);
}

BOOST_AUTO_TEST_CASE(what_a_cell_gives_is_no_output_of_a_layer) {
  BOOST_TEST(error_of([] {
               cell("GRU", {{"units", 2}, {"activity_regularizer", "l2"}});
             }).find("GRU: there is no option `activity_regularizer`") == 0u);
}

BOOST_AUTO_TEST_CASE(learned_slopes_are_penalized_and_constrained) {
  const Layer slopes = PReLU({.alpha_initializer = constant(-0.5),
                              .alpha_regularizer = L1(0.1),
                              .alpha_constraint = NonNeg()});
  Sequential model({slopes});
  model.compile({.optimizer = SGD({.learning_rate = 1e-3}), .loss = "mse"});
  const Tensor in = tensor<float>({1, -2, 3, 4}, {2, 2});
  BOOST_TEST(model.evaluate(in, in)["loss"] == 9.0 / 4 + 0.1, near);
  model.fit(in, in, {.verbose = 0});
  check_same("alpha", slopes.weights()[0], zeros({2}));
}

BOOST_AUTO_TEST_CASE(a_layer_adds_a_loss_in_its_call) {
  Sequential model(
      {AddingLayer({.factor = 0.5}), Dense({.units = 1, .kernel_initializer = "zeros"})});
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  const Tensor in = tensor<float>({1, -2, 3}, {3, 1}), zero = zeros({3, 1});
  BOOST_TEST(model.evaluate(in, zero)["loss"] == 3, near);
  BOOST_TEST(model.fit(in, zero, {.verbose = 0})["loss"][0] == 3, near);
  BOOST_TEST(model.predict(in).count() == 3);  // nothing is trained or evaluated
  BOOST_TEST(error_of([] { add_loss(ones({2})); }) ==
             "add_loss: a loss is one number, float32 or float64, got [2] float32.\n"
             "  sum(x) or mean(x) makes one of it.");
  const AddedLosses outer;
  {
    const AddedLosses inner;
    model(in);
    BOOST_TEST(inner.total().item() == 3, near);
  }
  BOOST_TEST(outer.total().item() == 0);
}

BOOST_AUTO_TEST_CASE(a_step_that_is_traced_adds_no_loss) {
  const Layer inner = Dense({.units = 1, .activity_regularizer = "l2", .name = "inner"});
  Sequential model({RNN(Layer(InnerCell(InnerOptions{inner})))});
  BOOST_TEST(model.predict(ones({2, 3, 1})).count() == 2);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  BOOST_TEST(error_of([&] {
               model.evaluate(ones({2, 3, 1}), ones({2, 1}));
             }) ==
             "inner, activity_regularizer: a loss is added in a step that is traced, which gives "
             "values of its own for each time.\n"
             "  Add it in the call of a layer, from the outputs of all steps.\n"
             "  This happened in step of rnn/inner (Inner).");
}

// --- Reach --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_penalty_does_not_hide_that_the_data_teach_nothing) {
  Sequential model = known({.kernel_regularizer = "l2"});
  const Loss of_signs([](const Tensor& t, const Tensor& p) {
    return mean(square(t - cast(greater(p, 0), float32)));
  });
  model.compile({.optimizer = "sgd", .loss = of_signs});
  BOOST_TEST(error_of([&] { model.fit(x, y, {.verbose = 0}); })
                 .starts_with("Sequential.fit: no gradient of the loss `loss` reaches any weight, "
                              "so nothing can be learnt."));

  const Layer used = Dense({.units = 1}), unused = Dense({.units = 1, .kernel_regularizer = "l2"});
  Model part({used, unused}, [=](const Tensors& in) {
    unused(in[0]);
    return used(in[0]);
  });
  part.compile({.optimizer = "sgd", .loss = "mse"});
  const testing::Printed printed(std::cerr);
  part.fit(x, ones({2, 1}), {.batch_size = 1, .epochs = 2, .verbose = 0});
  BOOST_TEST(
      printed.text() ==
      "tempo: Model.fit: no gradient reaches dense_1/kernel, dense_1/bias; the loss does not "
      "depend on them.\n");
}

// --- Functions of the program

BOOST_AUTO_TEST_CASE(a_function_of_the_program_is_a_regularizer_and_its_name_is_in_the_file) {
  const auto cubes = [](const Tensor& w) { return 0.01 * sum(abs(w) * square(w)); };
  Sequential model = known({.kernel_regularizer = own_regularizer("cubes", cubes)});
  const double penalty = 0.01 * (8 + 27);
  BOOST_TEST(model.evaluate(x, y)["loss"] == data_loss + penalty, near);
  BOOST_TEST(regularization_loss(model).item() == penalty, near);
  const std::string path = testing::in_folder("own_regularizer.tempo");
  model.save(path);
  Sequential whole = known({.kernel_regularizer = own_regularizer("cubes", cubes)});
  whole.fit(x, y, {.epochs = 3, .shuffle = false, .verbose = 0});
  Sequential loaded = load_model(path);
  loaded.fit(x, y, {.epochs = 3, .shuffle = false, .verbose = 0});
  check_same("goes on", loaded.weights()[0], whole.weights()[0]);
  // A second function of this name applies to later layers.
  own_regularizer("cubes", [](const Tensor& w) { return sum(w) * 0; });
  BOOST_TEST(regularization_loss(loaded).item() > 0);
  BOOST_TEST(regularization_loss(load_model(path)).item() == 0);
}

BOOST_AUTO_TEST_CASE(a_model_whose_regularizer_is_missing_predicts_and_does_not_train) {
  Sequential model = known({.kernel_regularizer = "own(name=nobodys)"});
  BOOST_TEST(model.predict(x).shape() == (Shape{2, 2}));
  BOOST_TEST(error_of([&] { model.fit(x, y, {.verbose = 0}); }) ==
             "dense/kernel: the regularizer `nobodys` is a function of the program that saved the "
             "model, which no file can hold.\n  Give it before fit: own_regularizer(\"nobodys\", "
             "f).");
  own_regularizer("nobodys", [](const Tensor& w) { return sum(square(w)); });
  BOOST_TEST(model.evaluate(x, y)["loss"] == data_loss + 4 + 9, near);
  BOOST_TEST(error_of([] { own_regularizer("not a word", [](const Tensor& w) { return w; }); }) ==
             "own_regularizer: `not a word` is no word; a name is of letters, digits and "
             "underscores.");
  own_regularizer("whole", [](const Tensor& w) { return w; });
  BOOST_TEST(error_of([] { known({.kernel_regularizer = "own(name=whole)"}); }) ==
             "dense/kernel: the regularizer `whole` gave [1, 2] float32; a penalty is one number: "
             "sum(...) of it, say.");
}
