// SPDX-License-Identifier: Apache-2.0
// Models: building, naming, training, callbacks, data; and their errors.
#define BOOST_TEST_MODULE training
#include <iostream>
#include <regex>

#include <tempo/tempo.hpp>

#include "printed.hpp"
#include "testing.hpp"

using namespace tempo;
using testing::error_of;
using testing::Printed;

namespace {

Samples sine(int64_t steps = 5) { return windows(sin(arange(0, 8, 0.1)), {.steps = steps}); }

Sequential small() {
  set_seed(7);
  Sequential model({SimpleRNN({.units = 4}), Dense({.units = 1})});
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
  return model;
}

Sequential line() {  // y = w x + b
  Sequential model({Dense({.units = 1, .kernel_initializer = "zeros"})});
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
  return model;
}

std::string listed(const std::vector<double>& values) {
  std::ostringstream out;
  for (const double v : values) out << v << " ";
  return out.str();
}

// Replaces times by "N": "0s - 12ms/step" is "Ns - N/step"; leaves out what clears a longer line.
std::string without_times(const std::string& text) {
  static const std::regex pace("[0-9]+(s|ms|us)/step"), time("[0-9]+s"), blanks(" +\n");
  const std::string plain = std::regex_replace(text, pace, "N/step");
  return std::regex_replace(std::regex_replace(plain, time, "Ns"), blanks, "\n");
}

// Logs the functions that are called.
struct Recorder : Callback {
  std::vector<std::string> calls;
  void on_train_begin() override { calls.push_back("train"); }
  void on_train_end(const Logs&) override { calls.push_back("train end"); }
  void on_epoch_begin(int epoch) override { calls.push_back("epoch " + std::to_string(epoch)); }
  void on_epoch_end(int epoch, const Logs& logs) override {
    std::string names;
    for (const auto& [name, value] : logs) names += " " + name;
    calls.push_back("epoch end " + std::to_string(epoch) + names);
  }
  void on_train_batch_begin(int64_t batch) override {
    calls.push_back("batch " + std::to_string(batch));
  }
  void on_train_batch_end(int64_t, const Logs&) override { calls.push_back("batch end"); }
  void on_test_begin() override { calls.push_back("test"); }
  void on_test_end(const Logs&) override { calls.push_back("test end"); }
  void on_predict_batch_end(int64_t batch) override {
    calls.push_back("predicted " + std::to_string(batch));
  }
};

struct Interruption {  // not a std::exception
  int number;
};

}  // namespace

// --- Models -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(layers_get_names_that_are_unique_in_the_model) {
  Sequential model({LSTM({.units = 3, .return_sequences = true}), LSTM({.units = 2, .name = "own"}),
                    Dense({.units = 2}), Dense({.units = 1})});
  model.build({{-1, 4, 5}});
  std::string paths;
  for (const Tensor& w : model.weights()) paths += w.path() + " ";
  BOOST_TEST(paths ==
             "lstm/kernel lstm/recurrent_kernel lstm/bias own/kernel own/recurrent_kernel own/bias "
             "dense/kernel dense/bias dense_1/kernel dense_1/bias ");
  BOOST_TEST(model.get_layer("own").type_name() == "LSTM");
  BOOST_TEST(model.count_params() == 4 * 3 * (5 + 3 + 1) + 4 * 2 * (3 + 2 + 1) + 2 * 2 + 2 + 2 + 1);
  BOOST_TEST(model.name() == "sequential");
  BOOST_TEST(error_of([&] { model.get_layer("dens"); }) ==
             "sequential: it has no layer `dens`; did you mean `dense`?\n"
             "  There are lstm, own, dense, dense_1.");
}

BOOST_AUTO_TEST_CASE(a_layer_that_another_model_holds_keeps_its_name) {
  const Layer first = Dense({.units = 2}), second = Dense({.units = 2});
  Sequential both({first, second});
  Sequential part({second});
  BOOST_TEST(second.name() == "dense_1");
}

namespace {

struct ScaleOptions {
  int units = 1;
};
void describe(auto& option, ScaleOptions& o) { option("units", o.units, "Size of the state."); }
struct ScaleCell : Cell<ScaleOptions> {
  using Cell::Cell;
  void build(Weights& add, const Shape&) { scale = add("scale", {1}, ones()); }
  Step step(const Tensor& x, const State& s) const {
    return {.output = x * scale, .state = {s[0]}};
  }
  Tensor scale;
};

std::string names_of(const Model& model) {
  std::string names;
  for (const auto& [name, weight] : model.named_weights()) names += name + " ";
  return names;
}

}  // namespace

// By hand, with w = 1, x = (1, 1), y = 0: each model returns w^2, the loss is w^4, its gradient is
// 4 w^3.
BOOST_AUTO_TEST_CASE(a_layer_that_is_used_twice_is_one_set_of_weights) {
  const Layer cell(ScaleCell({.units = 1}));
  Sequential shared_cell({RNN(cell, {.return_sequences = true}), RNN(cell)});
  const Layer last(RNN(Layer(ScaleCell({.units = 1})), {.return_sequences = true}));
  Model listed_twice({last, last},
                     [=](const Tensors& in) { return take(last(last(in[0])), 1, 1); });
  const Tensor x = ones({1, 2, 1});
  for (Model* const model : {static_cast<Model*>(&shared_cell), &listed_twice}) {
    (*model)(x);
    BOOST_TEST(names_of(*model) == "rnn/scale/scale ");
    BOOST_TEST(model->count_params() == 1);
    BOOST_TEST(model->summary_text().find(" Total params: 1 (4.00 B)\n") != std::string::npos);
    model->compile(
        {.optimizer = SGD({.learning_rate = 0.01, .global_clipnorm = 3}), .loss = "mse"});
    model->fit(x, zeros({1, 1}), {.verbose = 0});  // the gradient of 4 is clipped to 3
    BOOST_TEST(model->weights()[0].item() == 0.97, boost::test_tools::tolerance(1e-6));
  }
}

BOOST_AUTO_TEST_CASE(a_layer_keeps_its_name_in_each_model_that_holds_it) {
  const Layer a = Dense({.units = 2, .use_bias = false}),
              b = Dense({.units = 2, .use_bias = false}),
              c = Dense({.units = 2, .use_bias = false}),
              d = Dense({.units = 2, .use_bias = false});
  const Sequential encoder({a, b}), decoder({c, d}), whole({a, b, c, d}), mixed({d, a});
  whole(ones({1, 2}));
  BOOST_TEST(names_of(encoder) == "dense/kernel dense_1/kernel ");
  BOOST_TEST(names_of(decoder) == "dense/kernel dense_1/kernel ");
  BOOST_TEST(names_of(whole) == "dense/kernel dense_1/kernel dense_2/kernel dense_1_1/kernel ");
  BOOST_TEST(names_of(mixed) == "dense_1/kernel dense/kernel ");
  BOOST_TEST(whole.get_layer("dense_2").handle() == c.handle());
  BOOST_TEST(decoder.get_layer("dense").handle() == c.handle());
  BOOST_TEST(whole.summary_text().find("│ dense_1_1 (Dense) ") != std::string::npos);
  BOOST_TEST(error_of([] { Sequential({}, "a\xff"); }) ==
             "Sequential, name: `a?` is not UTF-8, which files hold.");
}

BOOST_AUTO_TEST_CASE(the_summary_is_the_table_of_keras) {
  Sequential model({Embedding({.input_dim = 100, .output_dim = 8}),
                    Bidirectional(LSTM({.units = 4, .return_sequences = true})), LSTM({.units = 4}),
                    Dense({.units = 3, .activation = "softmax"})});
  BOOST_TEST(model.summary_text().find(
                 "│ dense (Dense)                   │ ?                      │   0 (unbuilt) │") !=
             std::string::npos);
  model.build({{-1, 10}});
  BOOST_TEST(model.summary_text() == R"(Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ embedding (Embedding)           │ (None, 10, 8)          │           800 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ bidirectional (Bidirectional)   │ (None, 10, 8)          │           416 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ lstm (LSTM)                     │ (None, 4)              │           208 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 3)              │            15 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 1,439 (5.62 KB)
 Trainable params: 1,439 (5.62 KB)
 Non-trainable params: 0 (0.00 B)
)");
  Sequential open({LSTM({.units = 4, .return_sequences = true})});
  open.build({{-1, -1, 2}});
  BOOST_TEST(open.summary_text().find("(None, None, 4)") != std::string::npos);
  BOOST_TEST(to_string(open.input_shapes()[0]) == "[-1, -1, 2]");
}

BOOST_AUTO_TEST_CASE(weights_that_are_not_trained_are_counted_apart) {
  Sequential model({Dense({.units = 2, .trainable = false}), Dense({.units = 1})});
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
  model.build({{-1, 3}});
  BOOST_TEST(model.weights().size() == 4u);
  BOOST_TEST(model.trainable_weights().size() == 2u);
  const std::vector<double> before = model.weights()[0].to_vector();
  const std::string trained = listed(model.weights()[2].to_vector());
  model.fit(ones({8, 3}), ones({8, 1}), {.verbose = 0});
  BOOST_TEST(model.weights()[0].to_vector() == before, boost::test_tools::per_element());
  BOOST_TEST(listed(model.weights()[2].to_vector()) != trained);
  BOOST_TEST(model.summary_text().find(" Non-trainable params: 8 (32.00 B)\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(any_function_of_tensors_is_a_model) {
  set_seed(5);
  const Layer first = Dense({.units = 4, .activation = "tanh"}), second = Dense({.units = 1});
  const Layer drop = Dropout({.rate = 0.5});
  bool trained = false;
  Model model({first, second, drop}, [&](const Tensors& in, const CallOptions& call) {
    trained = call.training;
    return second(drop(concat({first(in[0]), in[1]}), {.training = call.training}));
  });
  BOOST_TEST(model.name() == "model");
  BOOST_TEST(!model.is_sequential());
  const Tensor a = randn({20, 3}), b = randn({20, 2});
  const Tensor y = sum(a, -1, true) + take(b, 0, -1) * 0;
  model.compile({.optimizer = Adam({.learning_rate = 0.02}), .loss = "mse", .metrics = {"mae"}});
  const History history = model.fit({a, b}, sum(a, -1, true), {.epochs = 60, .verbose = 0});
  BOOST_TEST(trained);
  BOOST_TEST(history["loss"].back() < 0.6 * history["loss"].front());
  BOOST_TEST(to_string(model.predict({a, b}).shape()) == "[20, 1]");
  BOOST_TEST(!trained);
  BOOST_TEST(model.weights()[0].path() == "dense/kernel");
  BOOST_TEST(model.weights()[2].path() == "dense_1/kernel");
  const std::string table = model.summary_text();
  BOOST_TEST(table.find("│ dense (Dense)                   │ (None, 4)              │") !=
                 std::string::npos,
             table);
  BOOST_TEST(table.find("│ dropout (Dropout)               │ (None, 6)              │") !=
                 std::string::npos,
             table);
}

// --- fit ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(fit_learns_a_sine) {
  auto [x, y] = sine();
  BOOST_TEST(to_string(x.shape()) == "[75, 5, 1]");
  BOOST_TEST(to_string(y.shape()) == "[75, 1]");
  Sequential model = small();
  const History history = model.fit(x, y, {.epochs = 60, .verbose = 0});
  BOOST_TEST(history["loss"].size() == 60u);
  BOOST_TEST(history["loss"].back() < 0.005);
  BOOST_TEST(history.epochs().back() == 59);
  BOOST_TEST(history.params().epochs == 60);
  BOOST_TEST(history.params().steps == 3);
  BOOST_TEST(model.evaluate(x, y)["loss"] < 0.005);
  // Two slots for each of the 29 weights, the number of updates, and the learning rate.
  BOOST_TEST(model.summary_text().find(" Optimizer params: 60 (") != std::string::npos);
  const Tensor predicted = model.predict(x, {.batch_size = 20});
  BOOST_TEST(mean(square(predicted - y)).item() == model.evaluate(x, y)["loss"],
             boost::test_tools::tolerance(1e-4));
  BOOST_TEST(!predicted.tracked());
}

// By hand: batches of 2, 2 and 1, the loss of each before its update.
BOOST_AUTO_TEST_CASE(the_loss_of_an_epoch_is_the_mean_over_samples_before_each_update) {
  const std::vector<double> xs = {1, 2, 3, 4, 5}, ys = {2, 3, 5, 4, 6};
  double w = 0, b = 0, total = 0;
  for (std::size_t begin = 0; begin < 5; begin += 2) {
    const std::size_t end = std::min<std::size_t>(begin + 2, 5);
    double dw = 0, db = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const double e = w * xs[i] + b - ys[i];
      total += e * e;
      dw += 2 * e * xs[i] / static_cast<double>(end - begin);
      db += 2 * e / static_cast<double>(end - begin);
    }
    w -= 0.01 * dw;
    b -= 0.01 * db;
  }
  Sequential model({Dense({.units = 1, .kernel_initializer = "zeros", .dtype = float64})});
  model.compile({.optimizer = SGD({.learning_rate = 0.01}), .loss = "mse"});
  const History history = model.fit(tensor(xs, {5, 1}, float64), tensor(ys, {5, 1}, float64),
                                    {.batch_size = 2, .shuffle = false, .verbose = 0});
  BOOST_TEST(history["loss"][0] == total / 5, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(model.weights()[0].item() == w, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(model.weights()[1].item() == b, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(a_seed_makes_training_repeat_bit_for_bit) {
  auto [x, y] = sine();
  const auto train = [&, x = x, y = y](int64_t seed) {
    return small().fit(x, y, {.epochs = 5, .validation_split = 0.2, .seed = seed, .verbose = 0});
  };
  for (const int64_t seed : {int64_t{-1}, int64_t{3}}) {
    const History one = train(seed), again = train(seed);
    for (const char* name : {"loss", "val_loss"})
      BOOST_TEST(one[name] == again[name], boost::test_tools::per_element());
  }
  BOOST_TEST(listed(train(3)["loss"]) != listed(train(4)["loss"]));
}

BOOST_AUTO_TEST_CASE(training_goes_on_as_if_it_had_not_stopped) {
  auto [x, y] = sine();
  const FitOptions straight{.epochs = 6, .seed = 3, .verbose = 0};
  const History whole = small().fit(x, y, straight);
  Sequential model = small();
  model.fit(x, y, {.epochs = 2, .seed = 3, .verbose = 0});

  // In another model, with the weights, the optimizer's text and its state, as in a file.
  Sequential other({SimpleRNN({.units = 4}), Dense({.units = 1})});
  other.build({{-1, 5, 1}});
  const Tensors from = model.weights(), to = other.weights();
  for (std::size_t i = 0; i < to.size(); ++i) assign(to[i], from[i]);
  other.compile(
      {.optimizer = Optimizer(model.optimizer().text()), .loss = Loss(model.loss().text())});
  other.optimizer().restore(model.optimizer().state());
  const History rest = other.fit(x, y, {.epochs = 6, .seed = 3, .initial_epoch = 2, .verbose = 0});
  BOOST_TEST(rest.epochs().front() == 2);
  BOOST_TEST(rest["loss"].size() == 4u);
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(rest["loss"][i] == whole["loss"][i + 2]);
}

BOOST_AUTO_TEST_CASE(validation_is_the_last_part_or_what_is_given) {
  const Tensor x = reshape(arange(0, 10), {10, 1}), y = 2 * x;
  Sequential split = line(), given = line();
  const History a = split.fit(x, y, {.validation_split = 0.25, .shuffle = false, .verbose = 0});
  const History b = given.fit(slice(x, 0, 0, 7), slice(y, 0, 0, 7),
                              {.validation_data = {slice(x, 0, 7, 10), slice(y, 0, 7, 10)},
                               .shuffle = false,
                               .verbose = 0});
  BOOST_TEST(a["val_loss"][0] == b["val_loss"][0]);
  BOOST_TEST(a["loss"][0] == b["loss"][0]);
  BOOST_TEST(a["val_loss"][0] == split.evaluate(slice(x, 0, 7, 10), slice(y, 0, 7, 10))["loss"]);
  BOOST_TEST(!line().fit(x, y, {.verbose = 0}).contains("val_loss"));
  BOOST_TEST(error_of([&] { (void)a["vall_loss"]; }) ==
             "History: there is no `vall_loss`; it has loss, val_loss.");
}

BOOST_AUTO_TEST_CASE(sample_weights_scale_the_loss_and_weighted_metrics) {
  const Tensor x = ones({4, 1}), y = tensor<double>({1, 1, 3, 3}, {4, 1});
  Sequential model = line();
  model.compile({.optimizer = SGD({.learning_rate = 0}),
                 .loss = "mse",
                 .metrics = {"mse"},
                 .weighted_metrics = {"mse"}});
  const Tensor weights = tensor<double>({1, 1, 0, 0}, {4});
  const History history =
      model.fit(x, y, {.batch_size = 4, .sample_weight = weights, .verbose = 0});
  BOOST_TEST(history["loss"][0] == 0.5);        // (1 + 1) / 4
  BOOST_TEST(history["mse"][0] == 5);           // without weights
  BOOST_TEST(history["weighted_mse"][0] == 1);  // (1 + 1) / (1 + 1)
}

BOOST_AUTO_TEST_CASE(a_mask_reaches_the_loss_and_the_metrics) {
  set_seed(2);
  Sequential model({Embedding({.input_dim = 5, .output_dim = 3, .mask_zero = true}),
                    LSTM({.units = 4, .return_sequences = true}), Dense({.units = 1})});
  const Tensor x = tensor<int64_t>({1, 2, 0, 0, 3, 4, 1, 0}, {2, 4});
  const Tensor y = zeros({2, 4, 1});
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse", .metrics = {"mae"}});
  const Tensor p = model.predict(x);
  double squares = 0, sizes = 0;
  for (const int64_t i : {0, 1, 4, 5, 6}) {
    squares += p.element(i) * p.element(i);
    sizes += std::abs(p.element(i));
  }
  const Logs found = model.evaluate(x, y);
  BOOST_TEST(found["loss"] == squares / 5, boost::test_tools::tolerance(1e-5));
  // A sample counts with its mean over the steps, as in Keras.
  BOOST_TEST(found["mae"] == sizes / 5, boost::test_tools::tolerance(1e-5));
}

BOOST_AUTO_TEST_CASE(batches_may_be_larger_than_the_data) {
  const Tensor x = ones({3, 1}), y = ones({3, 1});
  const History history = line().fit(x, y, {.batch_size = 100, .verbose = 0});
  BOOST_TEST(history.params().steps == 1);
  BOOST_TEST(to_string(line().predict(x, {.batch_size = 100}).shape()) == "[3, 1]");
}

BOOST_AUTO_TEST_CASE(stateful_layers_need_batches_of_one_size) {
  const auto fit = [](const Layer& rnn, int64_t samples, int64_t batch_size) {
    set_seed(1);
    Sequential model({rnn, Dense({.units = 1})});
    model.compile({.optimizer = "sgd", .loss = "mse"});
    return model.fit(ones({samples, 4, 1}), ones({samples, 1}),
                     {.batch_size = batch_size, .verbose = 0});
  };
  const std::string text =
      " is stateful, and 70 samples are not a multiple of batch_size 32.\n"
      "  Leave out the last 6 samples, or set a batch_size that divides 70.";
  BOOST_TEST(error_of([&] { fit(LSTM({.units = 2, .stateful = true}), 70, 32); }) ==
             "Sequential.fit: `lstm`" + text);
  BOOST_TEST(error_of([&] { fit(Bidirectional(GRU({.units = 2, .stateful = true})), 70, 32); }) ==
             "Sequential.fit: `bidirectional`" + text);
  BOOST_TEST(fit(GRU({.units = 2, .stateful = true}), 64, 32).params().steps == 2);
  BOOST_TEST(fit(GRU({.units = 2, .stateful = true}), 20, 32).params().steps == 1);  // one batch
  BOOST_TEST(fit(GRU({.units = 2}), 70, 32).params().steps == 3);
}

// --- What is shown ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(progress_is_a_line_per_epoch_or_a_bar) {
  const Tensor x = ones({4, 1}), y = ones({4, 1});
  std::string lines, bar, silent;
  {
    const Printed printed;
    line().fit(x, y, {.epochs = 2, .validation_split = 0.5, .verbose = 2});
    lines = printed.text();
  }
  BOOST_TEST(without_times(lines) ==
             "Epoch 1/2\n1/1 - Ns - N/step - loss: 1.0000 - val_loss: 0.3600\n"
             "Epoch 2/2\n1/1 - Ns - N/step - loss: 0.3600 - val_loss: 0.1296\n");
  {
    const Printed printed;
    line().fit(x, y, {.batch_size = 2, .epochs = 2, .verbose = 1});
    bar = printed.text();
  }
  // As Keras prints them: the count and the time bold, the bar green as far as it is.
  const std::string whole = "━━━━━━━━━━━━━━━━━━━━", half = "━━━━━━━━━━";
  const std::string done = "\r\033[1m2/2\033[0m \033[32m" + whole +
                           "\033[0m\033[37m\033[0m \033[1mNs\033[0m N/step - loss: ";
  const std::string first = "\r\033[1m1/2\033[0m \033[32m" + half + "\033[0m\033[37m" + half +
                            "\033[0m \033[1mNs\033[0m N/step - loss: ";
  BOOST_TEST(without_times(bar) == "Epoch 1/2\n" + first + "1.0000" + done + "0.6800\n" +
                                       "Epoch 2/2\n" + first + "0.1296" + done + "0.0881\n");
  {
    const Printed printed;
    line().evaluate(x, y, {.batch_size = 3, .verbose = 2});
    line().fit(x, y, {.verbose = 2});
    BOOST_TEST(without_times(printed.text()) ==
               "2/2 - Ns - N/step - loss: 1.0000\n1/1 - Ns - N/step - loss: 1.0000\n");
  }
  {
    Printed printed;
    Sequential model({Dense({.units = 1, .kernel_initializer = "zeros"})});
    model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse", .metrics = {"mae"}});
    model.fit(x, 0 * y, {.epochs = 1, .validation_data = {.x = x, .y = y}, .verbose = 2});
    BOOST_TEST(without_times(printed.text()) ==
               "1/1 - Ns - N/step - loss: 0.0000e+00 - mae: 0.0000e+00 - val_loss: 1.0000 - "
               "val_mae: 1.0000\n");
  }
  {
    const Printed printed;
    line().fit(x, y, {.verbose = 0});
    line().evaluate(x, y);
    silent = printed.text();
  }
  BOOST_TEST(silent.empty());
  std::ostringstream logs;
  logs << Logs{{"loss", 0.000012345}, {"accuracy", 0.5}};
  BOOST_TEST(logs.str() == "loss: 1.2345e-05 - accuracy: 0.5000");
  logs.str("");
  logs << Logs{{"loss", -1e300}, {"mse", 1e16}, {"mae", 123456789.125}, {"own", HUGE_VAL}};
  BOOST_TEST(logs.str() == "loss: -1.0000e+300 - mse: 1.0000e+16 - mae: 123456789.1250 - own: inf");
}

// --- Callbacks ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(callbacks_are_called_in_the_order_of_keras) {
  const Tensor x = ones({4, 1}), y = ones({4, 1});
  const auto recorder = std::make_shared<Recorder>();
  Sequential model = line();
  model.fit(x, y,
            {.batch_size = 1, .callbacks = {recorder}, .validation_split = 0.5, .verbose = 0});
  const std::vector<std::string> expected = {"train",     "epoch 0",  "batch 0",
                                             "batch end", "batch 1",  "batch end",
                                             "test",      "test end", "epoch end 0 loss val_loss",
                                             "train end"};
  BOOST_TEST(recorder->calls == expected, boost::test_tools::per_element());
  recorder->calls.clear();
  model.predict(x, {.batch_size = 3, .callbacks = {recorder}});
  BOOST_TEST(recorder->calls == (std::vector<std::string>{"predicted 0", "predicted 1"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_callback_can_stop_training_and_change_the_learning_rate) {
  struct Director : Callback {
    void on_epoch_begin(int epoch) override {
      model().optimizer().set_learning_rate(epoch == 0 ? 0 : 0.1);
    }
    void on_train_batch_end(int64_t batch, const Logs& logs) override {
      if (logs["loss"] < 0.5 && batch == 1) model().stop_training();
    }
  };
  Sequential model = line();
  const History history =
      model.fit(ones({6, 1}), ones({6, 1}),
                {.batch_size = 2, .epochs = 5, .callbacks = {Director()}, .verbose = 0});
  BOOST_TEST(history["loss"].size() == 3u);
  BOOST_TEST(history["loss"][0] == 1);
  BOOST_TEST(model.optimizer().iterations() == 3 + 3 + 2);
}

BOOST_AUTO_TEST_CASE(an_exception_of_a_callback_passes_through_unchanged) {
  struct Thrower : Callback {
    void on_epoch_end(int epoch, const Logs&) override { throw Interruption{epoch + 42}; }
  };
  int caught = 0;
  try {
    line().fit(ones({6, 1}), ones({6, 1}), {.callbacks = {Thrower()}, .verbose = 0});
  } catch (const Interruption& interruption) {
    caught = interruption.number;
  }
  BOOST_TEST(caught == 42);
}

namespace {

struct BrokenOptions {
  int units = 1;
};
void describe(auto& option, BrokenOptions& o) { option("units", o.units, "Size of the state."); }

struct CellFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct BrokenCell : Cell<BrokenOptions> {
  using Cell::Cell;
  Step step(const Tensor&, const State&) const { throw CellFailure("the cell broke"); }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_exception_of_a_cell_passes_through_fit_unchanged) {
  Sequential model({RNN(BrokenCell({.units = 2}))});
  model.compile({.loss = "mse"});
  for (int i = 0; i < 2; ++i)
    BOOST_CHECK_THROW(model.fit(ones({2, 3, 1}), ones({2, 2}), {.verbose = 0}), CellFailure);
  BOOST_CHECK_THROW(model.predict(ones({2, 3, 1})), CellFailure);
  // A later error of another kind is not mistaken for it.
  BOOST_TEST(error_of([&] {
               model.fit(ones({2, 3, 1}), ones({3, 2}));
             }).starts_with("Sequential.fit: these hold"));
}

// --- Early stopping -----------------------------------------------------------------------------

namespace {

struct StoppingCase {
  const char* what;
  EarlyStoppingOptions options;
  std::vector<double> values;  // of "score", epoch by epoch
  std::size_t epochs;          // that are run
  int stopped, best_epoch;
};

const StoppingCase stopping_cases[] = {
    {"stops after patience", {.patience = 2, .mode = "min"}, {5, 4, 4, 4, 3}, 4, 3, 1},
    {"patience 0 stops at once", {.mode = "min"}, {5, 6, 4}, 2, 1, 0},
    {"an improvement starts the count anew",
     {.patience = 2, .mode = "min"},
     {5, 6, 4, 5, 3, 3},
     6,
     0,
     4},
    {"larger is better", {.patience = 1, .mode = "max"}, {1, 2, 3, 3, 4}, 4, 3, 2},
    {"less than min_delta is none",
     {.min_delta = 0.5, .patience = 2, .mode = "min"},
     {5, 4.8, 4.6, 4},
     3,
     2,
     0},
    {"more than min_delta is one",
     {.min_delta = 0.5, .patience = 2, .mode = "max"},
     {5, 5.6, 5.8, 6, 6},
     4,
     3,
     1},
    {"never at the first epoch", {.mode = "min", .baseline = 1}, {5, 4}, 2, 0, 1},
    {"below the baseline the count goes on",
     {.patience = 3, .mode = "min", .baseline = 1},
     {5, 4, 3, 3, 1},
     4,
     3,
     2},
    {"beyond the baseline it does not",
     {.patience = 3, .mode = "min", .baseline = 4},
     {5, 3.5, 3.2, 3.3, 3.4},
     5,
     0,
     2},
    {"not before start_from_epoch",
     {.mode = "min", .start_from_epoch = 3},
     {5, 6, 7, 8, 9, 1},
     5,
     4,
     3},
};

}  // namespace

BOOST_AUTO_TEST_CASE(early_stopping_follows_keras) {
  for (const StoppingCase& c : stopping_cases) {
    // A loss with these values: y_pred is constant, and the target is not learnt.
    EarlyStoppingOptions options = c.options;
    options.monitor = "loss";
    const EarlyStopping early(options);
    std::size_t call = 0;
    Sequential model = line();
    model.compile(
        {.optimizer = SGD({.learning_rate = 0}), .loss = [&](const Tensor&, const Tensor& p) {
           return mean(p * 0, -1) + c.values[call++];
         }});
    const History history = model.fit(
        ones({2, 1}), ones({2, 1}),
        {.epochs = static_cast<int>(c.values.size()), .callbacks = {early}, .verbose = 0});
    BOOST_TEST(history["loss"].size() == c.epochs,
               c.what << ": " << history["loss"].size() << " epochs");
    BOOST_TEST(early.stopped_epoch() == c.stopped, c.what << ": stopped " << early.stopped_epoch());
    BOOST_TEST(early.best_epoch() == c.best_epoch, c.what << ": best " << early.best_epoch());
  }
}

BOOST_AUTO_TEST_CASE(early_stopping_gives_the_best_weights_back_whatever_ended_training) {
  const auto train = [](int epochs, bool restore) {
    Sequential model = line();  // the weight grows until it exceeds the target
    model.compile({.optimizer = SGD({.learning_rate = 1}),
                   .loss = [](const Tensor&, const Tensor& p) { return mean(abs(p - 3.4), -1); }});
    const Printed printed;
    model.fit(
        ones({1, 1}), ones({1, 1}),
        {.epochs = epochs,
         .callbacks = {EarlyStopping(
             {.monitor = "loss", .patience = 2, .verbose = 1, .restore_best_weights = restore})},
         .verbose = 0});
    return listed(model.weights()[0].to_vector()) + printed.text();
  };
  // Losses before each update: 3.4, 1.4, 0.6, 1.4, 0.6, ...: stopped after the fifth.
  BOOST_TEST(train(20, false) == "1 Epoch 5: early stopping\n");
  BOOST_TEST(
      train(20, true) ==
      "1 Epoch 5: early stopping\nRestoring model weights from the end of the best epoch: 3.\n");
  BOOST_TEST(train(4, true) == "1 Restoring model weights from the end of the best epoch: 3.\n");
  BOOST_TEST(train(4, false) == "2 ");
}

BOOST_AUTO_TEST_CASE(early_stopping_knows_which_way_metrics_go) {
  const Tensor x = ones({4, 1}), y = ones({4, 1});
  Sequential model({Dense({.units = 1, .activation = "sigmoid"})});
  model.compile({.loss = "binary_crossentropy", .metrics = {"accuracy", "mse"}});
  for (const char* monitor : {"val_accuracy", "accuracy", "val_mse", "val_loss"})
    model.fit(x, y,
              {.epochs = 2,
               .callbacks = {EarlyStopping({.monitor = monitor})},
               .validation_split = 0.5,
               .verbose = 0});
  BOOST_TEST(error_of([&] { model.fit(x, y, {.callbacks = {EarlyStopping()}, .verbose = 0}); }) ==
             "EarlyStopping: there is no `val_loss` to monitor; an epoch has loss, accuracy, mse.\n"
             "  Give fit validation_split or validation_data, or set .monitor = \"loss\".");
  BOOST_TEST(error_of([] { EarlyStopping({.mode = "maximum"}); }) ==
             "EarlyStopping: it has no mode `maximum`; did you mean `max`?\n  There "
             "are auto, min, max.");
}

// --- Bad input ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(results_between_layers_are_not_dropped) {
  const Tensor x = ones({2, 4, 1});
  BOOST_TEST(error_of([&] {
               Sequential({LSTM({.units = 2, .return_state = true}), Dense({.units = 1})})(x);
             }) ==
             "sequential: `lstm` returns 3 results, and `dense` after it takes one.\n"
             "  Only the last layer may return more (return_state, merge_mode none); Model with a "
             "function uses them all.");
  BOOST_TEST(error_of([&] {
               Sequential({Bidirectional(GRU({.units = 2}), {.merge_mode = "none"}),
                           Dense({.units = 1})})(x);
             }) ==
             "sequential: `bidirectional` returns 2 results, and `dense` after it takes one.\n"
             "  Only the last layer may return more (return_state, merge_mode none); Model with a "
             "function uses them all.");
  Sequential last({Dense({.units = 1}), LSTM({.units = 2, .return_state = true})});
  BOOST_TEST(last.call(x).size() == 3u);
}

BOOST_AUTO_TEST_CASE(errors_of_models_say_what_is_wrong) {
  const Tensor x = ones({8, 3}), y = ones({8, 1});
  Sequential model({Dense({.units = 1})});
  BOOST_TEST(error_of([&] { model.fit(x, y); }) ==
             "Sequential.fit: the model was not compiled.\n"
             "  Call model.compile({.optimizer = Adam(), .loss = \"mse\"}) first.");
  BOOST_TEST(error_of([&] { model.compile({.optimizer = "adam"}); }) ==
             "Sequential.compile: no loss was given.\n  Set .loss = \"mse\", or another.");
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const auto fit = [&](const Tensor& a, const Tensor& b, const FitOptions& options = {}) {
    return error_of([&] { model.fit(a, b, options); });
  };
  BOOST_TEST(fit(x, ones({7, 1})) ==
             "Sequential.fit: these hold different numbers of samples\n"
             "  x              [8, 3] float32\n"
             "  y              [7, 1] float32\n"
             "  Samples lie along the first axis, which must be equal.");
  BOOST_TEST(fit(x, y, {.sample_weight = ones({3})}) ==
             "Sequential.fit: these hold different numbers of samples\n"
             "  x              [8, 3] float32\n"
             "  y              [8, 1] float32\n"
             "  sample_weight  [3] float32\n"
             "  Samples lie along the first axis, which must be equal.");
  BOOST_TEST(fit(zeros({0, 3}), zeros({0, 1})) ==
             "Sequential.fit: there are no samples\n"
             "  x              [0, 3] float32\n"
             "  y              [0, 1] float32");
  BOOST_TEST(fit(x, Tensor{}) == "Sequential.fit: y was never given a value (it is Tensor{}).");
  BOOST_TEST(fit(x, ones({8, 2}), {.verbose = 0}) ==
             "mean_squared_error: y_true and y_pred do not fit\n"
             "  y_true  [8, 2] float32\n"
             "  y_pred  [8, 1] float32\n"
             "  The model's last layer must give as many values for a sample as y holds.");
  BOOST_TEST(fit(x, y, {.batch_size = 0}) ==
             "Sequential.fit: batch_size is 0; it must be at least 1.");
  BOOST_TEST(fit(x, y, {.validation_split = 0.05, .verbose = 0}) ==
             "nothing was thrown");  // floor(8 * 0.95) = 7 and 1
  BOOST_TEST(fit(slice(x, 0, 0, 1), slice(y, 0, 0, 1), {.validation_split = 0.5}) ==
             "Sequential.fit: validation_split: a share of 0.5 of 1 samples leaves none for "
             "training.\n"
             "  Give more samples, another share, or validation_data.");
  BOOST_TEST(fit(x, y, {.validation_split = 1}) ==
             "Sequential.fit: validation_split is 1; it must be strictly between 0 and 1.");
  for (const double share : {-0.5, 1.5, std::numeric_limits<double>::quiet_NaN()})
    BOOST_TEST(
        fit(x, y, {.validation_split = share}).ends_with("; it must be strictly between 0 and 1."));
  BOOST_TEST(fit(x, y, {.validation_data = {.y = y}}) ==
             "Sequential.fit, validation_data: no x was given.");
  BOOST_TEST(fit(x, y, {.epochs = 0}) ==
             "Sequential.fit: epochs is 0; it must be at least 1.\n"
             "  It is the number of the last epoch; a model that needs no training predicts "
             "without fit.");
  BOOST_TEST(fit(x, y, {.epochs = 3, .initial_epoch = 4}) ==
             "Sequential.fit: initial_epoch is 4, after epochs, 3.\n"
             "  epochs is the number of the last epoch, not how many follow.");
  BOOST_TEST(fit(x, y, {.batch_size = std::numeric_limits<int64_t>::max(), .verbose = 0}) ==
             "nothing was thrown");
  for (const double weight :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const Tensor weights = full({8}, weight);
    const std::string text =
        ": sample_weight holds NaN or infinite numbers.\n  A sample that shall not count has the "
        "weight 0.";
    BOOST_TEST(fit(x, y, {.sample_weight = weights}) == "Sequential.fit" + text);
    BOOST_TEST(fit(x, y, {.validation_data = {x, y, weights}}) ==
               "Sequential.fit, validation_data" + text);
    BOOST_TEST(error_of([&] { model.evaluate(x, y, {.sample_weight = weights}); }) ==
               "Sequential.evaluate" + text);
  }
  BOOST_TEST(fit(x, y, {.sample_weight = full({8}, -1)}) ==
             "Sequential.fit: sample_weight holds -1; weights are at least 0.\n"
             "  A loss of your own can turn the sign of a sample.");
  BOOST_TEST(fit(x, y, {.verbose = 3}) ==
             "verbose is 3; it must be 0 (silent), 1 (a bar), 2 (a line per epoch) or -1 (1 on a "
             "terminal, else 2).");
  model.compile({.loss = MeanSquaredError({.reduction = "none"})});
  BOOST_TEST(fit(x, y) ==
             "Sequential.fit: the loss `mean_squared_error` gave [8] float32.\n"
             "  Training needs one number; a reduction other than \"none\" gives it.");
  BOOST_TEST(error_of([] { Sequential({Layer()}); }) ==
             "Sequential: layer 0 was never given a value (it is Layer{}).");
  const Layer twice = Dense({.units = 1});
  BOOST_TEST(error_of([&] {
               Sequential({twice, twice});
             }) ==
             "Sequential: layer `dense` was given twice.\n"
             "  Make a second layer, or use Model with a function that calls it twice.");
  BOOST_TEST(error_of([] {
               Sequential({Dense({.units = 1, .name = "a"}), Dense({.units = 1, .name = "a"})});
             }) == "Sequential: two layers are named `a`.\n  Give each a name of its own.");
  BOOST_TEST(error_of([] {
               Sequential()(ones({1, 1}));
             }) ==
             "sequential: it has no layers.\n  Give them as Sequential model({...}), or by "
             "model.add(layer).");
  BOOST_TEST(error_of([&] {
               Sequential({Dense({.units = 1})}).build({{-1, 0}});
             }) ==
             "sequential: build was given the shape [-1, 0].\n"
             "  Extents are positive; -1 stands for one that is not known, as the batch.");
  BOOST_TEST(
      error_of([] {
        Sequential({LSTM({.units = 1})}).build({{-1, 5, -1}});
      }) ==
      "sequential: build was given [-1, 5, -1], and a -1 there decides the size of a weight.\n"
      "  Give build the features: model.build({{-1, -1, features}}). The model is as it was, not "
      "built.");
  BOOST_TEST(error_of([] {
               Sequential({layer("Dense", {{"units", 1}}), cell("LSTMCell", {{"units", 1}})});
             }).find("cell") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(labels_that_are_none_are_named_by_their_sample) {
  Sequential model({Dense({.units = 2, .activation = "softmax"})});
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  const Tensor x = ones({8, 3});
  const Tensor good = tensor<int32_t>({0, 1, 0, 1, 0, 1, 0, 1}, {8});
  const Tensor bad = tensor<float>({0, 1, 0, 1, 0, 1, NAN, 1}, {8});
  const std::string rest =
      "y[6] is NaN; it must be a class number, a whole number in [0, 1], as y_pred has 2 "
      "classes.\n  Fill in missing labels, or leave their samples out: by a mask, or a "
      "sample_weight of 0.";
  for (const bool shuffle : {false, true})
    BOOST_TEST(error_of([&] {
                 model.fit(x, bad, {.batch_size = 2, .shuffle = shuffle, .seed = 3, .verbose = 0});
               }) == "Sequential.fit: sparse_categorical_crossentropy: " + rest);
  BOOST_TEST(error_of([&] {
               model.fit(x, bad, {.batch_size = 2, .validation_split = 0.5, .verbose = 0});
             }) == "Sequential.fit: sparse_categorical_crossentropy: " + rest);
  BOOST_TEST(error_of([&] {
               model.fit(x, good, {.validation_data = {x, bad}, .verbose = 0});
             }) == "Sequential.fit: sparse_categorical_crossentropy: validation_data." + rest);
  BOOST_TEST(error_of([&] { model.evaluate(x, bad, {.batch_size = 4, .verbose = 0}); }) ==
             "Sequential.evaluate: sparse_categorical_crossentropy: " + rest);
  const Tensor weight = tensor<float>({1, 1, 1, 1, 1, 1, 0, 1}, {8});
  model.fit(x, bad, {.batch_size = 2, .sample_weight = weight, .verbose = 0});

  model.compile({.optimizer = "sgd",
                 .loss = [](const Tensor&, const Tensor& p) { return mean(p, -1); },
                 .metrics = {"accuracy"}});
  BOOST_TEST(error_of([&] { model.fit(x, bad, {.shuffle = false, .verbose = 0}); }) ==
             "Sequential.fit: accuracy: " + rest);
}

BOOST_AUTO_TEST_CASE(targets_that_a_mask_or_a_weight_of_0_leaves_out_may_be_anything) {
  Sequential model({Embedding({.input_dim = 6, .output_dim = 2, .mask_zero = true}),
                    LSTM({.units = 3, .return_sequences = true}), Dense({.units = 1})});
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  const Tensor x = tensor<int32_t>({1, 2, 0, 3, 0, 0}, {2, 3});
  const Tensor y = tensor<float>({1, 2, NAN, 3, NAN, INFINITY}, {2, 3, 1});
  const History history = model.fit(x, y, {.epochs = 2, .verbose = 0});
  for (const char* name : {"loss", "mae"})
    for (const double value : history[name]) BOOST_TEST(std::isfinite(value));
  for (const Tensor& w : model.weights())
    for (const double value : w.to_vector()) BOOST_TEST(std::isfinite(value));

  model.compile({.optimizer = "adam", .loss = [](const Tensor& t, const Tensor& p) {
                   const Tensor real = cast(expand_dims(mask_of(p), -1), p.dtype());
                   return sum(abs(where(real > 0, t, 0) - p) * real) / sum(real);
                 }});
  BOOST_TEST(std::isfinite(model.fit(x, y, {.verbose = 0})["loss"].back()));

  // Samples that are left out are not checked.
  Sequential lone = line();
  const std::string text = error_of([&] {
    lone.fit(ones({2, 1}), tensor<float>({1, NAN}, {2, 1}),
             {.sample_weight = tensor<float>({NAN, 0}, {2}), .verbose = 0});
  });
  BOOST_TEST(text.find("sample_weight holds NaN") != std::string::npos, text);
}

// The numbers are those of the samples that count.
BOOST_AUTO_TEST_CASE(a_sample_of_weight_0_may_hold_anything) {
  const Tensor weight = tensor<float>({1, 0, 1}, {3});
  const auto of = [](const std::vector<double>& values, const Shape& shape) {
    return tensor(values, shape, float32);
  };
  struct Case {
    const char* what;
    std::vector<Layer> layers;
    Shape shape;  // of a sample
    Shape y;
    int64_t truncate = 0;
  };
  const Case cases[] = {
      {"dense", {Dense({.units = 1})}, {2}, {1}},
      {"recurrent", {LSTM({.units = 2}), Dense({.units = 1})}, {2, 1}, {1}},
      {"at each step",
       {GRU({.units = 2, .return_sequences = true}), Dense({.units = 1})},
       {2, 1},
       {2, 1}},
      {"in pieces",
       {GRU({.units = 2, .return_sequences = true}), Dense({.units = 1})},
       {2, 1},
       {2, 1},
       1},
  };
  for (const Case& c : cases)
    for (const double bad : {static_cast<double>(NAN), static_cast<double>(INFINITY)})
      BOOST_TEST_CONTEXT(c.what << " " << bad) {
        const auto trained = [&](const std::vector<double>& values, const Tensor& its) {
          set_seed(5);
          const auto count = static_cast<int64_t>(values.size()) / 2;
          const Shape x = c.shape.prepended(count), y = c.y.prepended(count);
          Sequential model(c.layers);
          model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
          model.build({x.without_first().prepended(-1)});
          for (const Tensor& w : model.weights()) assign(w, full(w.shape(), 0.5));
          const History history = model.fit(of(values, x), ones(y),
                                            {.batch_size = 3,
                                             .shuffle = false,
                                             .sample_weight = its,
                                             .truncate = c.truncate,
                                             .verbose = 0});
          Tensors out{full({}, history["loss"][0])};
          for (const Tensor& w : model.weights()) out.push_back(w + 0);
          return out;
        };
        const Tensors got = trained({1, 2, bad, 3, 4, 5}, weight),
                      expected = trained({1, 2, 0.5, 3, 4, 5}, weight);
        for (std::size_t i = 0; i < got.size(); ++i)
          testing::check_close(c.what, got[i], expected[i], 1e-6);
        for (const Tensor& all : trained({bad, 2, bad, 3, 4, bad}, zeros({3})))
          for (const double value : all.to_vector()) BOOST_TEST(std::isfinite(value));
      }

  const Tensor x = of({1, NAN, 3}, {3, 1});
  Sequential model = line();
  const Tensor classes = tensor<float>({1, 0, 1}, {3, 1});
  BOOST_TEST(std::isfinite(model.train_on_batch(x, classes, {.sample_weight = weight})["loss"]));
  BOOST_TEST(std::isfinite(model.train_on_batch(x, classes, {.class_weight = {{0, 0}}})["loss"]));
  // A metric that counts the sample sees NaN, as in evaluate; a weighted metric does not.
  model.compile(
      {.optimizer = SGD(), .loss = "mse", .metrics = {"mae"}, .weighted_metrics = {"mae"}});
  const History history = model.fit(x, classes, {.sample_weight = weight, .verbose = 0});
  BOOST_TEST(std::isnan(history["mae"][0]));
  BOOST_TEST(std::isfinite(history["weighted_mae"][0]));
  // A sample that counts is checked.
  BOOST_TEST(error_of([&] {
               model.fit(x, classes, {.sample_weight = ones({3}), .verbose = 0});
             }).find("x of this batch holds NaN") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_not_a_number_stops_training_and_spares_the_weights) {
  const Tensor x = ones({8, 1});
  std::vector<double> values(8, 1);
  values[5] = std::numeric_limits<double>::quiet_NaN();
  Sequential model = line();
  const std::string text = error_of([&] {
    model.fit(x, tensor(values, {8, 1}), {.batch_size = 2, .shuffle = false, .verbose = 0});
  });
  BOOST_TEST(text ==
             "Sequential.fit: the loss is NaN in epoch 1, batch 3.\n"
             "  The weights are as they were before this batch.\n"
             "  y of this batch holds NaN or infinite numbers; clean the data first.");
  BOOST_TEST(model.optimizer().iterations() == 2);
  BOOST_TEST(std::isfinite(model.weights()[0].item()));

  // The learning rate is too large.
  Sequential wild = line();
  wild.compile({.optimizer = SGD({.learning_rate = 1e6}), .loss = "mse"});
  const std::string grown = error_of([&] {
    wild.fit(x, ones({8, 1}), {.epochs = 50, .verbose = 0});
  });
  BOOST_TEST(grown.starts_with("Sequential.fit: the loss is infinite in epoch "), grown);
  BOOST_TEST(
      grown.ends_with(
          "Likely: a learning_rate too large (it is 1000000), or gradients that explode over time; "
          "set a smaller one, or clipnorm = 1."),
      grown);
  BOOST_TEST(std::isfinite(wild.weights()[0].item()));

  // A finite loss with an infinite gradient: sqrt at 0.
  Sequential edge = line();
  edge.compile({.optimizer = SGD({.learning_rate = 0.1}),
                .loss = [](const Tensor&, const Tensor& p) { return mean(sqrt(p), -1); }});
  const std::string steep = error_of([&] { edge.fit(x, x, {.verbose = 0}); });
  BOOST_TEST(steep.starts_with(
                 "Sequential.fit: the gradient of dense/kernel is not finite in epoch 1, batch 1."),
             steep);
  BOOST_TEST(edge.weights()[0].item() == 0);
}

// --- Data ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(windows_hold_steps_and_what_follows) {
  const Tensor series = arange(0, 7);
  auto [x, y] = windows(series, {.steps = 3});
  testing::check_same("x", x, tensor<double>({0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5}, {4, 3, 1}));
  testing::check_same("y", y, tensor<double>({3, 4, 5, 6}, {4, 1}));
  auto [far, target] = windows(series, {.steps = 2, .stride = 2, .horizon = 3});
  testing::check_same("far", far, tensor<double>({0, 1, 2, 3}, {2, 2, 1}));
  testing::check_same("target", target, tensor<double>({4, 6}, {2, 1}));
  const Samples pairs = windows(reshape(arange(0, 8), {4, 2}), {.steps = 2});
  testing::check_same("features", pairs.x, tensor<double>({0, 1, 2, 3, 2, 3, 4, 5}, {2, 2, 2}));
  testing::check_same("features", pairs.y, tensor<double>({4, 5, 6, 7}, {2, 2}));
  BOOST_TEST(
      error_of([&] { windows(series, {.steps = 7}); }) ==
      "windows: 7 values are too few for windows of 7 and a horizon of 1; at least 8 are needed.");
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  BOOST_TEST(error_of([&] { windows(series, {.steps = most, .horizon = most}); }) ==
             "windows: 7 values are too few for windows of 9223372036854775807 and a horizon of "
             "9223372036854775807; at least 18446744073709551614 are needed.");
  BOOST_TEST(windows(series, {.steps = 2, .stride = most}).x.count() == 2);
  BOOST_TEST(error_of([&] { windows(zeros({20000000}, bool_), {.steps = 10000000}); }) ==
             "windows: 10000000 windows of 10000000 values are more than memory holds.\n"
             "  Set a larger stride, or make them batch by batch.");
  BOOST_TEST(error_of([&] { windows(series, {.steps = 0}); }) ==
             "windows: steps, stride and horizon must be at least 1, got 0, 1 and 1.");
  BOOST_TEST(error_of([&] {
               windows(zeros({4, 2, 2}));
             }) == "windows: a series is [time] or [time, features], got [4, 2, 2] float32.");
}

BOOST_AUTO_TEST_CASE(batches_cover_all_samples_once) {
  const Tensor x = arange(0, 10), y = 3 * x;
  for (const bool shuffle : {false, true}) {
    const Batches all = batches(x, y, {.size = 4, .shuffle = shuffle, .seed = 1});
    BOOST_TEST(all.size() == 3);
    std::vector<double> first, second;
    for (auto [xb, yb] : all) {
      testing::check_same("y follows x", yb, 3 * xb);
      for (const double v : xb.to_vector()) first.push_back(v);
    }
    for (auto [xb, yb] : all)
      for (const double v : xb.to_vector()) second.push_back(v);
    BOOST_TEST((first == second) == !shuffle);
    BOOST_TEST((first == x.to_vector()) == !shuffle);
    std::sort(first.begin(), first.end());
    BOOST_TEST(first == x.to_vector(), boost::test_tools::per_element());
  }
  const Tensor masked =
      with_mask(ones({3, 2}), tensor<bool>({true, false, true, true, false, false}, {3, 2}));
  testing::check_same("a mask comes along", mask_of(samples(masked, {2, 0})),
                      tensor<bool>({false, false, true, false}, {2, 2}));
  auto [train, validation] = train_validation_split(x, y, 0.25);
  BOOST_TEST(train.x.count() == 7);
  testing::check_same("held out", validation.y, tensor<double>({21, 24, 27}, {3}));
  BOOST_TEST(
      error_of([&] { batches(x, zeros({3})); }) ==
      "batches: x and y hold different numbers of samples\n  x  [10] float32\n  y  [3] float32");
  BOOST_TEST(error_of([&] { batches(x, y, {.size = 0}); }) ==
             "batches: size is 0; it must be at least 1.");
  BOOST_TEST(batches(x, y, {.size = std::numeric_limits<int64_t>::max()}).size() == 1);
  for (const double share : {0.0, 1.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
    BOOST_TEST(error_of([&] {
                 train_validation_split(x, y, share);
               }).starts_with("train_validation_split: share is "));
  BOOST_TEST(error_of([&] {
               samples(x, {3, 10});
             }) ==
             "samples: there is no place 10 in x, [10] float32.\n"
             "  Its places are 0 to 9; negative ones count from the end.");
  BOOST_TEST(error_of([&] { samples(Tensor{}, {3}); }) ==
             "samples: x was never given a value (it is Tensor{}).");
  BOOST_TEST(error_of([] { batches(zeros({0}), zeros({0})); }) ==
             "batches: x and y hold no samples.");
}

BOOST_AUTO_TEST_CASE(a_custom_loop_is_what_fit_does) {
  auto [x, y] = sine();
  Sequential fitted = small();
  fitted.fit(x, y, {.epochs = 2, .shuffle = false, .verbose = 0});
  Sequential looped = small();
  Adam adam({.learning_rate = 0.01});
  for (int epoch = 0; epoch < 2; ++epoch)
    for (auto [xb, yb] : batches(x, y, {.size = 32, .shuffle = false})) {
      const Tensor loss = mean(square(looped(xb, {.training = true}) - yb));
      adam.step(looped.trainable_weights(), gradient(loss, looped.trainable_weights()));
    }
  for (std::size_t i = 0; i < fitted.weights().size(); ++i)
    testing::check_close(fitted.weights()[i].path(), looped.weights()[i], fitted.weights()[i],
                         1e-6);
}
