// SPDX-License-Identifier: Apache-2.0
// The callbacks that come with Tempo: what they save, log and change.
#define BOOST_TEST_MODULE callbacks
#include <tempo/tempo.hpp>

#include "files.hpp"
#include "printed.hpp"

using namespace tempo;
using testing::error_of;
using testing::in_folder;
using testing::Printed;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Gives val_loss the wanted values, epoch by epoch: one weight, squared.
struct Scripted : Callback {
  Scripted(const Tensor& weight, std::vector<double> values)
      : w(weight), val_loss(std::move(values)) {}
  void on_epoch_begin(int e) override {
    epoch = static_cast<std::size_t>(e);
    assign(w, ones({1, 1}));
  }
  void on_test_begin() override { assign(w, full({1, 1}, std::sqrt(val_loss[epoch]))); }
  Tensor w;
  std::vector<double> val_loss;
  std::size_t epoch = 0;
};

Sequential one_weight(double rate = 0) {
  Sequential model({Dense({.units = 1, .use_bias = false, .kernel_initializer = "ones"})});
  model.build({{-1, 1}});
  model.compile({.optimizer = SGD({.learning_rate = rate}), .loss = "mse"});
  return model;
}

// A fit whose val_loss has these `values`, in every epoch or at an interval of epochs.
void fit(Sequential& model, const std::vector<double>& values,
         std::vector<CallbackHandle> callbacks, int frequency = 1) {
  callbacks.insert(callbacks.begin(), CallbackHandle(Scripted(model.weights()[0], values)));
  model.fit(ones({2, 1}), zeros({2, 1}),
            {.epochs = static_cast<int>(values.size()),
             .callbacks = callbacks,
             .validation_data = {.x = ones({2, 1}), .y = zeros({2, 1})},
             .validation_freq = frequency,
             .verbose = 0});
}

double saved_weight(const std::string& path) {
  Sequential model = one_weight();
  model.load_weights(path);
  return model.weights()[0].item();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_checkpoint_is_saved_where_a_value_is_the_best) {
  struct {
    const char* what;
    ModelCheckpointOptions options;
    std::vector<double> values;
    double best;  // -1: nothing is saved
  } const cases[] = {
      {"smaller", {.save_best_only = true}, {4, 1, 9}, 1},
      {"larger", {.save_best_only = true, .mode = "max"}, {4, 16, 9}, 16},
      {"the latest", {}, {4, 1, 9}, 9},
      {"NaN", {.save_best_only = true}, {not_a_number, 4, not_a_number}, 4},
      {"equal", {.save_best_only = true, .initial_value_threshold = 4}, {4, 4}, -1},
      {"a threshold", {.save_best_only = true, .initial_value_threshold = 4}, {9, 1}, 1},
  };
  for (const auto& c : cases)
    for (const bool weights_only : {false, true}) BOOST_TEST_CONTEXT(c.what << weights_only) {
        ModelCheckpointOptions options = c.options;
        options.filepath = in_folder("best.tempo");
        options.save_weights_only = weights_only;
        std::filesystem::remove(options.filepath);
        Sequential model = one_weight();
        fit(model, c.values, {ModelCheckpoint(options)});
        BOOST_REQUIRE(std::filesystem::exists(options.filepath) == (c.best >= 0));
        if (c.best < 0) continue;
        const double w = saved_weight(options.filepath);
        BOOST_TEST(w * w == c.best);
        if (!weights_only) BOOST_TEST(load_model(options.filepath).compiled());
      }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_is_named_by_its_epoch_and_numbers) {
  Sequential model = one_weight();
  Printed printed;
  fit(model, {4, 1},
      {ModelCheckpoint({.filepath = in_folder("{epoch:03d}-{val_loss:.2f}-{epoch}.tempo"),
                        .verbose = 1,
                        .save_best_only = true})});
  BOOST_TEST(saved_weight(in_folder("001-4.00-1.tempo")) == 2);
  BOOST_TEST(saved_weight(in_folder("002-1.00-2.tempo")) == 1);
  BOOST_TEST(printed.text() == "Epoch 1: val_loss improved from inf to 4, saving model to " +
                                   in_folder("001-4.00-1.tempo") +
                                   ".\nEpoch 2: val_loss improved from 4 to 1, saving model to " +
                                   in_folder("002-1.00-2.tempo") + ".\n");
  // A missing folder is created.
  fit(model, {4}, {ModelCheckpoint({.filepath = in_folder("of/epoch {epoch}/model.tempo")})});
  BOOST_TEST(saved_weight(in_folder("of/epoch 1/model.tempo")) == 2);
}

BOOST_AUTO_TEST_CASE(a_learning_rate_falls_where_nothing_improves) {
  struct {
    const char* what;
    ReduceLROnPlateauOptions options;
    std::vector<double> values, rates;  // of each epoch, after it
  } const cases[] = {
      {"patience", {.factor = 0.5, .patience = 2}, {4, 4, 4, 4, 4}, {1, 1, 0.5, 0.5, 0.25}},
      {"no patience", {.factor = 0.5, .patience = 0}, {4, 4, 1}, {1, 0.5, 0.5}},
      {"improvement", {.factor = 0.5, .patience = 2}, {4, 4, 1, 1, 1}, {1, 1, 1, 1, 0.5}},
      {"min_delta", {.factor = 0.5, .patience = 1, .min_delta = 2}, {4, 3, 1}, {1, 0.5, 0.5}},
      {"cooldown",
       {.factor = 0.5, .patience = 1, .cooldown = 2},
       {4, 4, 4, 4, 4},
       {1, 0.5, 0.5, 0.25, 0.25}},
      {"min_lr", {.factor = 0.5, .patience = 1, .min_lr = 0.75}, {4, 4, 4}, {1, 0.75, 0.75}},
      {"max", {.factor = 0.5, .patience = 1, .mode = "max"}, {4, 9, 1}, {1, 1, 0.5}},
      {"NaN", {.factor = 0.5, .patience = 1}, {4, not_a_number, 1}, {1, 0.5, 0.5}},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.what) {
      Sequential model = one_weight(1);
      std::vector<double> rates;
      const ReduceLROnPlateau plateau(c.options);
      const LambdaCallback watch({.on_epoch_end = [&](int, const Logs&) {
        rates.push_back(model.optimizer().learning_rate());
      }});
      fit(model, c.values, {plateau, watch});
      BOOST_TEST(rates == c.rates, boost::test_tools::per_element());
    }
  Sequential model = one_weight(1);
  Printed printed;
  fit(model, {4, 4}, {ReduceLROnPlateau({.factor = 0.25, .patience = 1, .verbose = 1})});
  BOOST_TEST(printed.text() == "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.25.\n");
}

BOOST_AUTO_TEST_CASE(a_schedule_of_epochs_sets_the_learning_rate) {
  Sequential model = one_weight(1);
  std::vector<double> before;
  Printed printed;
  fit(model, {4, 4, 4},
      {LearningRateScheduler(
          [&](int epoch, double rate) {
            before.push_back(rate);
            return epoch == 1 ? rate / 4 : rate;
          },
          1)});
  BOOST_TEST((before == std::vector<double>{1, 1, 0.25}));
  BOOST_TEST(model.optimizer().learning_rate() == 0.25);
  BOOST_TEST(
      printed.text().find("Epoch 2: LearningRateScheduler setting learning rate to 0.25.\n") !=
      std::string::npos);
}

BOOST_AUTO_TEST_CASE(epochs_are_logged_as_csv) {
  const std::string path = in_folder("log.csv");
  Sequential model = one_weight();
  fit(model, {4, 0.25}, {CSVLogger({.filename = path})});
  BOOST_TEST(testing::read(path) == "epoch,loss,val_loss\n0,1,4\n1,1,0.25\n");
  fit(model, {9}, {CSVLogger({.filename = path, .append = true})});
  BOOST_TEST(testing::read(path) == "epoch,loss,val_loss\n0,1,4\n1,1,0.25\n0,1,9\n");
  fit(model, {9}, {CSVLogger({.filename = path, .separator = ";"})});
  BOOST_TEST(testing::read(path) == "epoch;loss;val_loss\n0;1;9\n");
  const std::string fresh = in_folder("fresh.csv");
  fit(model, {9}, {CSVLogger({.filename = fresh, .append = true})});
  BOOST_TEST(testing::read(fresh) == "epoch,loss,val_loss\n0,1,9\n");
  // Values of other columns would stand in the wrong ones.
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse", .metrics = {"mae"}});
  BOOST_TEST(error_of([&] { fit(model, {9}, {CSVLogger({.filename = fresh, .append = true})}); }) ==
             "CSVLogger: " + fresh +
                 " has the columns `epoch,loss,val_loss`, and this training logs "
                 "`epoch,loss,mae,val_loss,val_mae`.\n  Give another filename, or .append = false, "
                 "which begins the file anew.");
  BOOST_TEST(testing::read(fresh) == "epoch,loss,val_loss\n0,1,9\n");
}

BOOST_AUTO_TEST_CASE(epochs_without_validation_are_passed_over) {
  const std::vector<double> values = {0, 4, 0, 9, 0, 9};
  const std::string path = in_folder("log.csv"), best = in_folder("best.tempo");
  Sequential model = one_weight(1);
  const EarlyStopping stopping({.patience = 2});
  std::vector<double> rates;
  const LambdaCallback watch({.on_epoch_end = [&](int, const Logs&) {
    rates.push_back(model.optimizer().learning_rate());
  }});
  fit(model, values,
      {CSVLogger({.filename = path}), stopping,
       ModelCheckpoint({.filepath = best, .save_best_only = true}),
       ReduceLROnPlateau({.factor = 0.5, .patience = 1}), watch},
      2);
  BOOST_TEST(testing::read(path) ==
             "epoch,loss,val_loss\n0,1,NA\n1,1,4\n2,1,NA\n3,1,9\n4,1,NA\n5,1,9\n");
  BOOST_TEST(stopping.best() == 4);
  BOOST_TEST(stopping.best_epoch() == 1);
  BOOST_TEST(stopping.stopped_epoch() == 5);
  BOOST_TEST(saved_weight(best) == 2);
  BOOST_TEST(rates == std::vector<double>({1, 1, 1, 0.5, 0.5, 0.25}),
             boost::test_tools::per_element());

  // A fit that ends before its first validation has none.
  const auto fitting = [&](const CallbackHandle& callback) {
    return error_of([&] { fit(model, {4}, {callback}, 2); });
  };
  fit(model, {4}, {CSVLogger({.filename = path})}, 2);
  BOOST_TEST(testing::read(path) == "epoch,loss\n0,1\n");
  BOOST_TEST(fitting(EarlyStopping())
                 .starts_with("EarlyStopping: there is no `val_loss` to monitor; an epoch has "
                              "loss.\n  Give fit validation_split or validation_data"));
  BOOST_TEST(fitting(ModelCheckpoint({.filepath = best, .save_best_only = true}))
                 .starts_with("ModelCheckpoint: there is no `val_loss` to monitor"));
}

BOOST_AUTO_TEST_CASE(which_way_a_second_metric_of_a_name_should_go_is_known) {
  Sequential model({Dense({.units = 1, .use_bias = false, .kernel_initializer = "ones"})});
  model.compile({.optimizer = SGD({.learning_rate = 0}),
                 .loss = "mse",
                 .metrics = {BinaryAccuracy(), BinaryAccuracy({.threshold = 0.75})}});
  const EarlyStopping stopping({.monitor = "binary_accuracy_1", .patience = 1});
  model.fit(ones({2, 1}), ones({2, 1}), {.epochs = 3, .callbacks = {stopping}, .verbose = 0});
  BOOST_TEST(stopping.best() == 1);
  BOOST_TEST(stopping.stopped_epoch() == 1);
}

BOOST_AUTO_TEST_CASE(functions_are_a_callback) {
  std::string calls;
  Sequential model = one_weight();
  fit(model, {4},
      {LambdaCallback(
          {.on_train_begin = [&] { calls += "begin "; },
           .on_train_end = [&](const Logs& l) { calls += "end " + std::to_string(l.size()); },
           .on_epoch_begin = [&](int e) { calls += "epoch " + std::to_string(e) + " "; },
           .on_epoch_end =
               [&](int, const Logs& l) { calls += l.contains("val_loss") ? "validated " : ""; },
           .on_train_batch_begin = [&](int64_t) { calls += "batch "; },
           .on_train_batch_end =
               [&](int64_t, const Logs& l) { calls += l.contains("loss") ? "trained " : ""; }})});
  BOOST_TEST(calls == "begin epoch 0 batch trained validated end 2");
  fit(model, {4}, {LambdaCallback({})});
}

BOOST_AUTO_TEST_CASE(errors_of_callbacks_say_what_is_wrong) {
  const auto fitting = [](std::vector<CallbackHandle> callbacks) {
    return [=] {
      Sequential model = one_weight();
      fit(model, {4}, callbacks);
    };
  };
  const std::pair<std::string, std::function<void()>> errors[] = {
      {"ModelCheckpoint: no filepath was given.", [] { ModelCheckpoint({}); }},
      {"ModelCheckpoint: it has no mode `min_`; did you mean `min`?",
       [] { ModelCheckpoint({.filepath = "x", .mode = "min_"}); }},
      {"ModelCheckpoint: there is no `val_mae` to monitor; an epoch has loss, val_loss.",
       fitting({ModelCheckpoint({.filepath = in_folder("x"),
                                 .monitor = "val_mae",
                                 .save_best_only = true,
                                 .mode = "min"})})},
      {"ModelCheckpoint: there is no `val_mae` to monitor; an epoch has loss, val_loss.",
       fitting({ModelCheckpoint(
           {.filepath = in_folder("x"), .monitor = "val_mae", .save_best_only = true})})},
      {"ModelCheckpoint: there is no `val_loss` to monitor; an epoch has loss.",
       fitting({ModelCheckpoint(
           {.filepath = in_folder("x"), .save_best_only = true, .save_freq = 1})})},
      {"ModelCheckpoint: a brace of `",
       fitting({ModelCheckpoint({.filepath = in_folder("{epoch")})})},
      {"ModelCheckpoint: `:s` is no format; there are :02d and :.3f.",
       fitting({ModelCheckpoint({.filepath = in_folder("{epoch:s}")})})},
      {"ModelCheckpoint: `:1.2.3f` is no format; there are :02d and :.3f.",
       fitting({ModelCheckpoint({.filepath = in_folder("{loss:1.2.3f}")})})},
      {"ModelCheckpoint: `:.2d` is no format; there are :02d and :.3f.",
       fitting({ModelCheckpoint({.filepath = in_folder("{epoch:.2d}")})})},
      {"Logs: there is no `acc`; it has loss, val_loss.",
       fitting({ModelCheckpoint({.filepath = in_folder("{acc}")})})},
      {"ReduceLROnPlateau: factor is 1; it must be a number of at least 0 and below 1.",
       [] { ReduceLROnPlateau({.factor = 1}); }},
      {"ReduceLROnPlateau: patience is -1; it must be a number of at least 0.",
       [] { ReduceLROnPlateau({.patience = -1}); }},
      {"CSVLogger: no filename was given.", [] { CSVLogger({}); }},
      {"CSVLogger: /nowhere/log.csv cannot be written.",
       fitting({CSVLogger({.filename = "/nowhere/log.csv"})})},
      {"ModelCheckpoint: initial_value_threshold is NaN; it must be a number.",
       [] { ModelCheckpoint({.filepath = "x", .initial_value_threshold = not_a_number}); }},
  };
  for (const auto& [text, throws] : errors)
    BOOST_TEST(error_of(throws).starts_with(text), error_of(throws));
}
