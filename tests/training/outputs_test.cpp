// SPDX-License-Identifier: Apache-2.0
// Further features of fit: several outputs, weights of classes, steps in an epoch, when and on what
// to validate, single batches.
#define BOOST_TEST_MODULE outputs
#include <tempo/tempo.hpp>

#include "files.hpp"
#include "printed.hpp"

using namespace tempo;
using testing::check_same;
using testing::error_of;
using testing::in_folder;

namespace {

Sequential line(const CompileOptions& options = {.optimizer = SGD({.learning_rate = 0.1}),
                                                 .loss = "mse"}) {
  Sequential model({Dense({.units = 1, .kernel_initializer = "zeros"})});
  model.compile(options);
  return model;
}

// Two outputs of one input; the only weights are w (price) and v (kind), both 0 at first.
struct Two {
  Two() {
    price.build({{1, 1}});
    kind.build({{1, 1}});
  }
  Layer price = Dense({.units = 1, .use_bias = false, .kernel_initializer = "zeros"});
  Layer kind = Dense({.units = 1, .use_bias = false, .kernel_initializer = "zeros"});
  Model model = Model({price, kind}, [price = price, kind = kind](const Tensors& in) {
    return Tensors{price(in[0]), kind(in[0])};
  });
};

const Tensor one = ones({2, 1});
const Tensors truth{2 * ones({2, 1}), 3 * ones({2, 1})};

std::string names_of(const Logs& logs) {
  std::string out;
  for (const auto& [name, value] : logs) out += name + " ";
  return out;
}

}  // namespace

// --- Several outputs

BOOST_AUTO_TEST_CASE(each_output_has_its_loss_and_its_weight) {
  Two two;
  two.model.compile({.optimizer = SGD({.learning_rate = 0.1}),
                     .losses = {{"price", "mse"}, {"kind", "mae"}},
                     .loss_weights = {{"kind", 0.5}},
                     .output_metrics = {{"kind", {"mse"}}, {"price", {"mae"}, {"mae"}}}});
  const History history = two.model.fit(one, truth, {.epochs = 2, .verbose = 0});
  // price: 4, then w = 0.4 and 1.6^2; kind: 3, then v = 0.05 and 2.95. The sum is price + kind / 2.
  const auto close = [](double a, double b) { return std::abs(a - b) < 1e-6; };
  BOOST_TEST(close(history["loss"][0], 4 + 1.5));
  BOOST_TEST(close(history["price_loss"][0], 4));
  BOOST_TEST(close(history["kind_loss"][0], 3));
  BOOST_TEST(close(history["loss"][1], 1.6 * 1.6 + 2.95 / 2));
  BOOST_TEST(close(history["price_loss"][1], 1.6 * 1.6));
  BOOST_TEST(close(history["kind_loss"][1], 2.95));
  BOOST_TEST(close(history["kind_mse"][1], 2.95 * 2.95));
  BOOST_TEST(close(history["price_mae"][1], 1.6));
  BOOST_TEST(close(two.price.weights()[0].item(), 0.4 + 0.1 * 2 * 1.6));
  BOOST_TEST(close(two.kind.weights()[0].item(), 0.1));
  const Logs logs = two.model.evaluate(one, truth);
  BOOST_TEST(names_of(logs) == "loss price_loss kind_loss price_mae price_weighted_mae kind_mse ");
  const Tensors all = two.model.predict_all(one);
  BOOST_REQUIRE(all.size() == 2);
  check_same("price", all[0], two.model.predict(one));
  check_same("kind", all[1], two.kind(one));
}

BOOST_AUTO_TEST_CASE(outputs_without_names_are_numbered) {
  Two two;
  two.model.compile({.optimizer = SGD(),
                     .losses = {"mse", Loss{}},
                     .loss_weights = {2, 1},
                     .output_metrics = {{"output_2", {"mae"}}}});
  const History history =
      two.model.fit(one, truth, {.validation_data = {.x = one, .y = truth}, .verbose = 0});
  BOOST_TEST(history["loss"][0] == 8);
  BOOST_TEST(history["output_1_loss"][0] == 4);
  BOOST_TEST(history["output_2_mae"][0] == 3);
  BOOST_TEST(!history.contains("output_2_loss"));
  BOOST_TEST(history.contains("val_output_1_loss"));
  BOOST_TEST(two.kind.weights()[0].item() == 0);  // it is not trained
}

// 0 times NaN is NaN: an output of weight 0 is left out of the sum.
BOOST_AUTO_TEST_CASE(an_output_of_weight_0_may_be_anything) {
  Two two;
  two.model.compile({.optimizer = SGD({.learning_rate = 0.1}),
                     .losses = {{"price", "mse"}, {"kind", "mse"}},
                     .loss_weights = {{"kind", 0}}});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const History history = two.model.fit(one, {2 * ones({2, 1}), full({2, 1}, nan)}, {.verbose = 0});
  BOOST_TEST(history["loss"][0] == 4);
  BOOST_TEST(std::isnan(history["kind_loss"][0]));
  BOOST_TEST(std::abs(two.price.weights()[0].item() - 0.4) < 1e-6);
  BOOST_TEST(two.kind.weights()[0].item() == 0);
  // If all weights are 0, there is a loss, but nothing is learnt.
  two.model.compile({.optimizer = SGD({.learning_rate = 0.1}),
                     .losses = {{"price", "mse"}, {"kind", "mse"}},
                     .loss_weights = {0, 0}});
  BOOST_TEST(two.model.fit(one, truth, {.verbose = 0})["loss"][0] == 0);
}

BOOST_AUTO_TEST_CASE(weights_of_samples_and_directions_hold_for_outputs) {
  Two two;
  two.model.compile({.optimizer = SGD({.learning_rate = 0}),
                     .losses = {{"price", "mse"}, {"kind", "mse"}},
                     .output_metrics = {{"kind", {R2Score()}}}});
  const Tensor weight = tensor<float>({1, 0}, {2});
  const History history =
      two.model.fit(one, truth,
                    {.epochs = 3,
                     .callbacks = {EarlyStopping({.monitor = "price_loss"}),
                                   ReduceLROnPlateau({.monitor = "kind_r2_score"})},
                     .sample_weight = weight,
                     .verbose = 0});
  BOOST_TEST(history["price_loss"][0] == 2);
  BOOST_TEST(history["loss"][0] == 2 + 4.5);
  BOOST_TEST(history.epochs().size() == 2u);  // price_loss did not fall
}

BOOST_AUTO_TEST_CASE(a_model_of_several_outputs_goes_on_from_its_file) {
  const std::string path = in_folder("two.tempo");
  const auto compiled = [](Two& two) {
    two.model.compile(
        {.optimizer = Adam({.learning_rate = 0.1}), .losses = {{"price", "mse"}, {"kind", "mae"}}});
  };
  Two whole, first, second;
  for (Two* two : {&whole, &first, &second}) compiled(*two);
  whole.model.fit(one, truth, {.epochs = 4, .shuffle = false, .verbose = 0});
  first.model.fit(one, truth, {.epochs = 2, .shuffle = false, .verbose = 0});
  first.model.save(path);
  second.model.load(path);
  second.model.fit(one, truth, {.epochs = 4, .shuffle = false, .initial_epoch = 2, .verbose = 0});
  check_same("w", second.price.weights()[0], whole.price.weights()[0]);
  check_same("v", second.kind.weights()[0], whole.kind.weights()[0]);
}

namespace {
// A stack whose last layer has two outputs.
Sequential both_ways(const CompileOptions& compiled) {
  set_seed(4);
  Sequential model({Bidirectional(LSTM({.units = 2}), {.merge_mode = "none"})});
  model.build({{-1, 3, 2}});
  model.compile(compiled);
  return model;
}
const Tensor sequences = random_normal({4, 3, 2}, 0, 1, float32, 1);
const Tensors of_both{random_normal({4, 2}, 0, 1, float32, 2),
                      random_normal({4, 2}, 0, 1, float32, 3)};
}  // namespace

BOOST_AUTO_TEST_CASE(a_file_holds_the_losses_of_several_outputs) {
  const std::string path = in_folder("outputs.tempo");
  const auto compiled = [] {
    return CompileOptions{.optimizer = Adam({.learning_rate = 0.1}),
                          .losses = {{"there", Huber({.delta = 0.5})}, {"back", "mae"}},
                          .loss_weights = {{"back", 0.25}},
                          .output_metrics = {{"back", {"mse"}, {"mae"}}}};
  };
  const auto fit = [](Model& model, int first, int last) {
    return model.fit(
        sequences, of_both,
        {.batch_size = 2, .epochs = last, .shuffle = false, .initial_epoch = first, .verbose = 0});
  };
  Sequential whole = both_ways(compiled());
  const History expected = fit(whole, 0, 4);
  Sequential half = both_ways(compiled());
  fit(half, 0, 2);
  half.save(path);
  set_seed(99);
  Sequential loaded = load_model(path);
  const History rest = fit(loaded, 2, 4);
  BOOST_TEST(rest.names() == expected.names(), boost::test_tools::per_element());
  for (const std::string& name : rest.names())
    for (std::size_t epoch = 0; epoch < 2; ++epoch)
      BOOST_TEST(rest[name][epoch] == expected[name][epoch + 2], name);
  for (std::size_t i = 0; i < whole.weights().size(); ++i)
    check_same(whole.weights()[i].path(), loaded.weights()[i], whole.weights()[i]);

  // It is also loaded into a model of a function that is not compiled.
  Two two, uncompiled;
  two.model.compile({.optimizer = Adam(),
                     .losses = {{"price", "mse"}, {"kind", Loss{}}},
                     .loss_weights = {{"price", 2}}});
  two.model.fit(one, truth, {.verbose = 0});
  two.model.save(path);
  uncompiled.model.load(path);
  for (Two* model : {&two, &uncompiled}) model->model.fit(one, truth, {.epochs = 2, .verbose = 0});
  check_same("w", uncompiled.price.weights()[0], two.price.weights()[0]);
}

BOOST_AUTO_TEST_CASE(functions_of_several_outputs_are_given_by_name) {
  const std::string path = in_folder("own_outputs.tempo");
  const auto absolute = [](const Tensor& t, const Tensor& p) { return mean(abs(t - p), -1); };
  const auto squared = [](const Tensor& t, const Tensor& p) { return mean(square(t - p), -1); };
  Sequential model = both_ways(
      {.optimizer = SGD(), .losses = {{"there", Loss(absolute)}, {"back", Loss(squared, "mine")}}});
  const Logs expected = model.evaluate(sequences, of_both);
  model.save(path);
  Sequential without = load_model(path);
  BOOST_TEST(error_of([&] {
               without.evaluate(sequences, of_both);
             }).find("was saved with the loss `there_loss`, the loss `mine`, which no file") !=
             std::string::npos);
  without.save(path);  // it leaves nothing out
  const Sequential loaded =
      load_model(path, {.losses = {{"there_loss", absolute}, {"mine", squared}}});
  const Logs logs = loaded.evaluate(sequences, of_both);
  for (const char* name : {"loss", "there_loss", "back_loss"})
    BOOST_TEST(logs[name] == expected[name], name);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_together_is_refused) {
  Two two;
  const auto compile = [&](const CompileOptions& options) {
    return error_of([&] { two.model.compile(options); });
  };
  BOOST_TEST(compile({.loss = "mse", .losses = {"mse", "mse"}}) ==
             "Model.compile: both loss and losses were given.\n  Set .loss for a model of one "
             "output, .losses for one of several.");
  BOOST_TEST(
      compile({.losses = {Loss{}, Loss{}}}) ==
      "Model.compile: no output has a loss.\n  Set .losses = {\"mse\", \"mse\"}, or others.");
  BOOST_TEST(compile({.losses = {{"a", "mse"}, {"a", "mse"}}}) ==
             "Model.compile: two outputs are called `a`.\n  Rename one.");
  BOOST_TEST(compile({.losses = {{"price", "mse"}, {"kind", "mse"}}, .metrics = {"mae"}}) ==
             "Model.compile: metrics was given, and there are several outputs.\n  Set "
             ".output_metrics = {{\"price\", {\"mae\"}}}.");
  BOOST_TEST(compile({.losses = {{"price", "mse"}, {"kind", "mse"}},
                      .output_metrics = {{"pricy", {"mae"}}}}) ==
             "Model.compile, output_metrics: it has no output `pricy`; did you mean `price`?\n  "
             "There are price, kind.");
  BOOST_TEST(compile({.losses = {"mse", "mse"}, .loss_weights = {1}}) ==
             "Model.compile: there are 1 loss_weights and 2 losses.\n  Give one for each, in the "
             "same order, or {{\"output_1\", 0.5}} by name.");
  BOOST_TEST(compile({.losses = {"mse", "mse"}, .loss_weights = {1, -1}}) ==
             "Model.compile: a loss weight is -1; it must be a number of at least 0.");
  BOOST_TEST(compile({.loss = "mse", .output_metrics = {{"price", {"mae"}}}}) ==
             "Model.compile: output_metrics was given, and there is one loss.\n  Set .metrics, or "
             ".losses for a model of several outputs.");
  two.model.compile({.losses = {"mse", "mse"}});
  BOOST_TEST(error_of([&] { two.model.fit(one, truth[0], {.verbose = 0}); }) ==
             "Model.fit: y has 1 tensors, and the model was compiled with 2 losses.\n  Each output "
             "with a loss needs its y, in the order of the losses: y = {y_1, y_2}, .losses = "
             "{\"mse\", \"mse\"}.");
  two.model.compile({.losses = {"mse", "mse", "mse"}});
  BOOST_TEST(error_of([&] {
               two.model.fit(one, {one, one, one}, {.verbose = 0});
             }) ==
             "Model.fit: the model has 2 outputs, and was compiled with 3 losses.\n  Give one loss "
             "for each output; Loss{} for one that is not trained.");
  two.model.compile({.losses = {"mse", "bce"}});
  BOOST_TEST(error_of([&] {
               two.model.fit(one, truth, {.shuffle = false, .verbose = 0});
             }).starts_with("Model.fit: binary_crossentropy: y[1][0] is 3;"));
  BOOST_TEST(error_of([&] { line().fit(one, truth, {.verbose = 0}); })
                 .starts_with("Sequential.fit: y has 2 tensors, and the model was compiled with 1 "
                              "loss.\n"));
  BOOST_TEST(error_of([&] {
               two.model.fit(one, {one, ones({3, 1})}, {.verbose = 0});
             }) ==
             "Model.fit: these hold different numbers of samples\n  x              [2, 1] "
             "float32\n  y[0]           [2, 1] float32\n  y[1]           [3, 1] float32\n  Samples "
             "lie along the first axis, which must be equal.");
}

// --- Weights of classes

BOOST_AUTO_TEST_CASE(a_class_counts_as_much_as_its_weight) {
  const Tensor x = ones({4, 1});
  const Tensor numbers = tensor<int32_t>({0, 1, 2, 1}, {4});
  const Tensor weight = tensor<float>({0.5f, 3, 1, 3}, {4});
  struct {
    const char* what;
    Loss loss;
    Tensor y;
  } const cases[] = {
      {"numbers", "sparse_categorical_crossentropy", numbers},
      {"a column", "sparse_categorical_crossentropy", reshape(numbers, {4, 1})},
      {"one-hot", "categorical_crossentropy", one_hot(numbers, 3)},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.what) {
      const auto trained = [&](const FitOptions& options) {
        Sequential model({Dense({.units = 3,
                                 .activation = "softmax",
                                 .kernel_initializer = glorot_uniform({.seed = 1})})});
        model.compile({.optimizer = SGD({.learning_rate = 0.1}),
                       .loss = c.loss,
                       .weighted_metrics = {"accuracy"}});
        model.fit(x, c.y, options);
        return model.weights()[0];
      };
      const Tensor by_class =
          trained({.batch_size = 3, .seed = 1, .class_weight = {{0, 0.5}, {1, 3}}, .verbose = 0});
      check_same("weights", by_class,
                 trained({.batch_size = 3, .seed = 1, .sample_weight = weight, .verbose = 0}));
      BOOST_TEST(by_class.to_vector() !=
                 trained({.batch_size = 3, .seed = 1, .verbose = 0}).to_vector());
    }
}

BOOST_AUTO_TEST_CASE(validation_is_without_weights_of_classes) {
  const Tensor x = ones({4, 1}), y = tensor<float>({0, 1, 0, 1}, {4, 1});
  Sequential model = line({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  const History history =
      model.fit(x, y, {.validation_split = 0.5, .class_weight = {{1, 4}}, .verbose = 0});
  BOOST_TEST(history["loss"][0] == 2);
  BOOST_TEST(history["val_loss"][0] == 0.5);
}

BOOST_AUTO_TEST_CASE(weights_of_classes_need_classes) {
  const auto fit = [](const Tensor& y, FitOptions options) {
    options.verbose = 0;
    return error_of([&] { line().fit(ones({2, 1}), y, options); });
  };
  const Tensor y = ones({2, 1});
  BOOST_TEST(fit(y, {.class_weight = {{1, 2}}, .sample_weight = ones({2})}) ==
             "Sequential.fit: class_weight was given, and sample_weight, too.\n  Give one of them; "
             "a sample_weight can be made of both, by multiplication.");
  BOOST_TEST(fit(2 * ones({2, 3}), {.class_weight = {{1, 2}}}) ==
             "Sequential.fit: class_weight was given, and y is [2, 3] float32 and no class of each "
             "sample.\n  It takes class numbers, [n] or [n, 1], or one-hot labels, [n, classes]; "
             "for a class at each step give sample_weight, [n, time].");
  BOOST_TEST(fit(y, {.class_weight = {{7, 2}}}) ==
             "Sequential.fit: class_weight was given, and y holds none of its classes.\n  Its keys "
             "are the class numbers: .class_weight = {{0, 1}, {1, 5}}.");
  for (const Tensor& no_class : {1.5 * y, reshape(1.5 * y, {2})})
    BOOST_TEST(fit(no_class, {.class_weight = {{2, 3}}}) ==
               "Sequential.fit: class_weight was given, and y holds 1.5, which is no class "
               "number.\n  Classes are whole numbers; for probabilities and other numbers give "
               "sample_weight.");
  BOOST_TEST(fit(y, {.class_weight = {{1, -2}}}) ==
             "Sequential.fit: class_weight of class 1 is -2; weights are numbers of at least 0.");
}

// --- Steps and validation

namespace {
// A model that records the first number of each x of a batch, and returns it.
struct Seen {
  std::vector<std::vector<float>> epochs;
  Model model() {
    const Layer layer = Dense({.units = 1, .kernel_initializer = "zeros"});
    Model made({layer}, [this, layer](const Tensors& in, const CallOptions& call) {
      if (call.training && !epochs.empty()) {
        const std::vector<double> values = in[0].to_vector();
        epochs.back().insert(epochs.back().end(), values.begin(), values.end());
      }
      return layer(in[0]);
    });
    made.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
    return made;
  }
  CallbackHandle callback() {
    return LambdaCallback({.on_epoch_begin = [this](int) { epochs.emplace_back(); }});
  }
};
}  // namespace

BOOST_AUTO_TEST_CASE(an_epoch_of_some_steps_goes_on_where_the_last_one_stopped) {
  const Tensor x = reshape(arange(0, 5, 1), {5, 1});
  Seen seen;
  Model model = seen.model();
  const History history = model.fit(x, x,
                                    {.batch_size = 2,
                                     .epochs = 4,
                                     .callbacks = {seen.callback()},
                                     .shuffle = false,
                                     .steps_per_epoch = 2,
                                     .verbose = 0});
  const std::vector<std::vector<float>> expected{{0, 1, 2, 3}, {4, 0, 1}, {2, 3, 4}, {0, 1, 2, 3}};
  BOOST_TEST(seen.epochs == expected);
  BOOST_TEST(history.params().steps == 2);
  // Shuffled, too, each round contains each sample once.
  Seen shuffled;
  Model other = shuffled.model();
  other.fit(x, x,
            {.batch_size = 1,
             .epochs = 5,
             .callbacks = {shuffled.callback()},
             .steps_per_epoch = 2,
             .verbose = 0});
  std::vector<float> all;
  for (const auto& e : shuffled.epochs) all.insert(all.end(), e.begin(), e.end());
  std::sort(all.begin(), all.begin() + 5);
  std::sort(all.begin() + 5, all.end());
  BOOST_TEST(all == std::vector<float>({0, 1, 2, 3, 4, 0, 1, 2, 3, 4}));
  BOOST_TEST(error_of([&] { model.fit(x, x, {.steps_per_epoch = -1}); }) ==
             "Model.fit: steps_per_epoch is -1; it must be at least 1, or 0 for all batches.");
}

BOOST_AUTO_TEST_CASE(validation_has_its_own_batches_steps_and_turns) {
  struct Count : Callback {
    int tests = 0, batches = 0;
    void on_test_begin() override { ++tests; }
    void on_test_batch_end(int64_t, const Logs&) override { ++batches; }
  };
  const auto count = std::make_shared<Count>();
  const Tensor x = ones({4, 1}), v = reshape(arange(0, 6, 1), {6, 1});
  Sequential model = line({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  const History history = model.fit(x, x,
                                    {.epochs = 5,
                                     .callbacks = {count},
                                     .validation_data = {.x = v, .y = v},
                                     .validation_steps = 2,
                                     .validation_batch_size = 2,
                                     .validation_freq = 2,
                                     .verbose = 0});
  BOOST_TEST(count->tests == 2);  // after epochs 2 and 4
  BOOST_TEST(count->batches == 4);
  BOOST_TEST(history["val_loss"].size() == 2u);
  BOOST_TEST(history.epochs("val_loss") == std::vector<int>({1, 3}));
  BOOST_TEST(history.epochs("loss") == history.epochs());
  BOOST_TEST(error_of([&] { history.epochs("mae"); }) ==
             "History: there is no `mae`; it has loss, val_loss.");
  BOOST_TEST(history["val_loss"][0] == (0 + 1 + 4 + 9) / 4.0);
  BOOST_TEST(error_of([&] { model.fit(x, x, {.validation_freq = 0}); }) ==
             "Sequential.fit: validation_freq is 0; it must be at least 1.");
  BOOST_TEST(error_of([&] { model.fit(x, x, {.validation_batch_size = -2}); }) ==
             "Sequential.fit: validation_batch_size is -2; it must be at least 0.");
}

// --- Single batches

BOOST_AUTO_TEST_CASE(a_batch_is_trained_tested_and_predicted_alone) {
  const Tensor x = reshape(arange(0, 4, 1), {4, 1}), y = 2 * x + 1;
  const CompileOptions options{
      .optimizer = SGD({.learning_rate = 0.1}), .loss = "mse", .metrics = {"mae"}};
  Sequential by_batch = line(options);
  CompileOptions again = options;
  again.optimizer = SGD({.learning_rate = 0.1});
  Sequential by_fit = line(again);
  std::vector<double> losses;
  for (int i = 0; i < 3; ++i) losses.push_back(by_batch.train_on_batch(x, y)["loss"]);
  const History history = by_fit.fit(x, y, {.epochs = 3, .shuffle = false, .verbose = 0});
  BOOST_TEST(losses == history["loss"], boost::test_tools::per_element());
  check_same("weight", by_batch.weights()[0], by_fit.weights()[0]);
  const Logs tested = by_batch.test_on_batch(x, y), evaluated = by_fit.evaluate(x, y);
  BOOST_TEST(tested["loss"] == evaluated["loss"]);
  BOOST_TEST(tested["mae"] == evaluated["mae"]);
  check_same("prediction", by_batch.predict_on_batch(x), by_fit.predict(x));
  BOOST_TEST(by_batch.history().epochs().empty());

  Sequential weighted = line({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  const Tensor zeros_and_ones = tensor<float>({0, 1, 0, 1}, {4, 1});
  BOOST_TEST(weighted.train_on_batch(x, zeros_and_ones, {.class_weight = {{1, 4}}})["loss"] == 2);
  BOOST_TEST(weighted.test_on_batch(x, zeros_and_ones,
                                    {.sample_weight = tensor<float>({1, 1, 1, 0}, {4})})["loss"] ==
             0.25);
}

// Whatever a callback of fit calls, the kept states go on as if it had not.
BOOST_AUTO_TEST_CASE(a_batch_within_a_fit_leaves_its_states) {
  const Tensor x = ones({4, 3, 2}), y = ones({4, 1});
  const auto losses = [&](const std::function<void(Sequential&)>& between) {
    set_seed(1);
    Sequential model({LSTM({.units = 2, .stateful = true}), Dense({.units = 1})});
    model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
    const LambdaCallback callback({.on_epoch_end = [&](int, const Logs&) { between(model); }});
    return model.fit(x, y,
                     {.batch_size = 4, .epochs = 3, .callbacks = {callback}, .verbose = 0})["loss"];
  };
  const std::vector<double> right = losses([](Sequential&) {});
  const std::pair<const char*, std::function<void(Sequential&)>> cases[] = {
      {"train_on_batch", [&](Sequential& m) { m.train_on_batch(3 * x, y); }},
      {"of another size",
       [&](Sequential& m) {
         m.train_on_batch(ones({2, 3, 2}), ones({2, 1}));
       }},
      {"test_on_batch", [&](Sequential& m) { m.test_on_batch(3 * x, y); }},
      {"fit", [&](Sequential& m) { m.fit(3 * x, y, {.verbose = 0}); }},
  };
  for (const auto& [what, call] : cases) BOOST_TEST_CONTEXT(what)
  BOOST_TEST(losses(call) == right, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_batch_that_cannot_be_is_refused) {
  Sequential model = line();
  BOOST_TEST(error_of([&] {
               model.train_on_batch(ones({2, 1}), ones({3, 1}));
             }).starts_with("Sequential.train_on_batch: these hold different numbers of samples"));
  const Tensor bad = full({2, 1}, std::numeric_limits<double>::infinity());
  BOOST_TEST(error_of([&] {
               model.train_on_batch(ones({2, 1}), bad);
             }) ==
             "Sequential.train_on_batch: the loss is infinite.\n  The weights are as they were "
             "before this batch.\n  y of this batch holds NaN or infinite numbers; clean the data "
             "first.");
  BOOST_TEST(error_of([] {
               Sequential().test_on_batch(ones({2, 1}), ones({2, 1}));
             }).starts_with("Sequential.test_on_batch: the model was not compiled."));
}
