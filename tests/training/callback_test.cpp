// SPDX-License-Identifier: Apache-2.0
// Events inside and around fit: callbacks that train, evaluate and compile, records that an
// exception ends, and what a gradient must reach.
#define BOOST_TEST_MODULE callback
#include <filesystem>
#include <functional>
#include <iostream>
#include <thread>

#include <tempo/tempo.hpp>

#include "files.hpp"
#include "printed.hpp"

using namespace tempo;
using testing::error_of;
using testing::Printed;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinite = std::numeric_limits<double>::infinity();

const Tensor& data_x() {
  static const Tensor x = random_normal({12, 3}, 0, 1, float32, 1);
  return x;
}
const Tensor& data_y() {
  static const Tensor y = random_normal({12, 1}, 0, 1, float32, 2);
  return y;
}

Sequential compiled(const Layer& layer = Dense({.units = 1, .kernel_initializer = "ones"})) {
  Sequential model({layer});
  model.compile({.optimizer = Adam({.learning_rate = 0.1}), .loss = "mse", .metrics = {"mae"}});
  return model;
}

Batches some_batches() { return batches(data_x(), data_y(), {.size = 5, .shuffle = false}); }

FitOptions options_with(std::vector<CallbackHandle> callbacks, int epochs = 2) {
  return {.batch_size = 4,
          .epochs = epochs,
          .callbacks = std::move(callbacks),
          .validation_split = 0.34,
          .seed = 1,
          .verbose = 0};
}

std::string text_of(const History& history) {
  std::ostringstream out;
  out.precision(17);
  for (const std::string& name : history.names()) {
    out << name;
    for (const double value : history[name]) out << " " << value;
    out << "\n";
  }
  return out.str();
}

// Does the same in each of its functions; its action calls none of them again.
struct Everywhere : Callback {
  explicit Everywhere(std::function<void(Model&)> f) : act(std::move(f)) {}
  void on_train_begin() override { run(); }
  void on_train_end(const Logs&) override { run(); }
  void on_epoch_begin(int) override { run(); }
  void on_epoch_end(int, const Logs&) override { run(); }
  void on_train_batch_begin(int64_t) override { run(); }
  void on_train_batch_end(int64_t, const Logs&) override { run(); }
  void on_test_begin() override { run(); }
  void on_test_end(const Logs&) override { run(); }
  void on_test_batch_begin(int64_t) override { run(); }
  void on_test_batch_end(int64_t, const Logs&) override { run(); }
  void run() {
    ++calls;
    act(model());
  }
  std::function<void(Model&)> act;
  int calls = 0;
};

struct Named : Callback {
  std::string names;
  void on_train_begin() override { names += model().name() + " "; }
  void on_epoch_end(int, const Logs&) override {
    if (inner && !std::exchange(busy, true))
      inner->fit(data_x(), data_y(), {.callbacks = {self.lock()}, .verbose = 0});
    names += model().name() + std::to_string(params().epochs) + " ";
  }
  Model* inner = nullptr;
  bool busy = false;
  std::weak_ptr<Named> self;
};

}  // namespace

// --- The model of a callback --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_callback_has_a_model_only_while_one_is_at_work) {
  const auto named = std::make_shared<Named>();
  const std::string text =
      "Callback: model() was asked for outside of training.\n"
      "  It is there while fit, evaluate or predict runs with this callback, in the functions that "
      "they call (on_train_begin, ...), not in a constructor or afterwards.";
  BOOST_TEST(error_of([&] { named->model(); }) == text);
  for (const char* name : {"first", "second"}) {
    Sequential model({Dense({.units = 1})}, name);
    model.compile({.loss = "mse"});
    model.fit(data_x(), data_y(), {.callbacks = {named, named}, .verbose = 0});
    BOOST_TEST(!named->attached());
    BOOST_TEST(error_of([&] { named->model(); }) == text);
  }
  BOOST_TEST(named->names == "first first1 second second1 ");  // listed twice, called once
  BOOST_TEST(
      error_of([&] { compiled().predict(data_x(), {.callbacks = {std::shared_ptr<Named>()}}); }) ==
      "Sequential.predict: callback 0 is an empty pointer.\n"
      "  std::make_shared<MyCallback>() makes one.");
}

BOOST_AUTO_TEST_CASE(a_callback_of_a_fit_inside_goes_back_to_the_outer_one) {
  Sequential outer({Dense({.units = 1})}, "outer"), inner({Dense({.units = 1})}, "inner");
  outer.compile({.loss = "mse"});
  inner.compile({.loss = "mse"});
  const auto named = std::make_shared<Named>();
  named->self = named;
  named->inner = &inner;
  outer.fit(data_x(), data_y(), {.epochs = 2, .callbacks = {named}, .verbose = 0});
  BOOST_TEST(named->names == "outer inner inner1 outer2 outer2 ");

  // The state of a callback that watches is that of the outer fit.
  const EarlyStopping stop({.monitor = "loss"});
  const Everywhere again(
      [&](Model&) { inner.fit(data_x(), data_y(), {.callbacks = {stop}, .verbose = 0}); });
  BOOST_TEST(error_of([&] {
               outer.fit(data_x(), data_y(), {.callbacks = {stop, again}, .verbose = 0});
             }) ==
             "EarlyStopping: this one watches a fit that is still running.\n"
             "  Give the fit inside it one of its own.");
  outer.fit(data_x(), data_y(), {.callbacks = {stop}, .verbose = 0});  // it is free again
}

// --- Inside of fit ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_callbacks_do_changes_nothing_that_fit_counts) {
  const std::string path = "callback_test.safetensors";
  Sequential other = compiled();
  const struct {
    const char* what;
    std::function<void(Model&)> act;
  } cases[] = {
      {"evaluate", [](Model& m) { m.evaluate(data_x(), data_y(), {.batch_size = 5}); }},
      {"evaluate of a range", [](Model& m) { m.evaluate(some_batches()); }},
      {"test_on_batch", [](Model& m) { m.test_on_batch(data_x(), data_y()); }},
      {"predict", [](Model& m) { m.predict(data_x(), {.batch_size = 5}); }},
      {"predict of a range", [](Model& m) { m.predict(some_batches()); }},
      {"predict_on_batch", [](Model& m) { m.predict_on_batch(data_x()); }},
      {"a call", [](Model& m) { m(data_x(), {.training = true}); }},
      {"int8", [](Model& m) { quantised(m).predict(data_x()); }},
      {"a layer of another",
       [](Model& m) {
         Sequential({m, Dense({.units = 2})}).predict(data_x());
       }},
      {"frozen and let go", [](Model& m) { m.set_trainable(false), m.set_trainable(true); }},
      {"a text beside it", [](Model& m) { m.set_metadata("note", "on the way"); }},
      {"another thread", [](Model& m) { std::thread([&] { m(data_x()); }).join(); }},
      {"save", [&](Model& m) { m.save(path); }},
      {"save_weights and load_weights",
       [&](Model& m) { m.save_weights(path), m.load_weights(path); }},
      {"save and load", [&](Model& m) { m.save(path), m.load(path); }},
      {"load of no file", [&](Model& m) { error_of([&] { m.load("there is none"); }); }},
      {"load_model", [&](Model& m) { m.save(path), load_model(path); }},
      {"build",
       [](Model& m) {
         m.build({{-1, 3}});
       }},
      {"summary", [](Model& m) { m.summary_text(); }},
      {"fit of another", [&](Model&) { other.fit(data_x(), data_y(), {.seed = 2, .verbose = 0}); }},
      {"fit of another on a range",
       [&](Model&) { other.fit(some_batches(), {.epochs = 2, .verbose = 0}); }},
      {"train_on_batch of another", [&](Model&) { other.train_on_batch(data_x(), data_y()); }},
      {"fit of another that stops",
       [&](Model&) {
         struct Stop : Callback {
           void on_train_batch_end(int64_t, const Logs&) override { model().stop_training(); }
         };
         other.fit(data_x(), data_y(), {.callbacks = {Stop()}, .seed = 2, .verbose = 0});
       }},
      {"compile with more",
       [](Model& m) {
         m.compile({.optimizer = SGD(), .loss = "mae", .metrics = {"mae", "mse", "mae"}});
       }},
      {"compile with less", [](Model& m) { m.compile({.optimizer = SGD(), .loss = "mae"}); }},
  };
  for (const bool on_range : {false, true}) {
    const auto fit = [&](Model& model, std::vector<CallbackHandle> callbacks) {
      FitOptions options = options_with(std::move(callbacks));
      model.build({{-1, 3}});
      if (!on_range) return model.fit(data_x(), data_y(), options);
      options.batch_size = {}, options.validation_split = 0, options.seed = -1;
      options.validation_batches = batches(data_x(), data_y(), {.size = 6, .shuffle = false});
      return model.fit(batches(data_x(), data_y(), {.size = 6, .seed = 1}), options);
    };
    Sequential plain = compiled();
    const std::string expected = text_of(fit(plain, {}));
    for (const auto& c : cases) BOOST_TEST_CONTEXT(c.what << (on_range ? ", on a range" : "")) {
        Sequential model = compiled();
        const auto callback = std::make_shared<Everywhere>(c.act);
        BOOST_TEST(text_of(fit(model, {callback})) == expected);
        BOOST_TEST(callback->calls == 2 + 2 * (2 + 2 * 2 + 2 + 2 * 2));
        BOOST_TEST(model.epoch() == 2);
        testing::check_same("weight", model.weights()[0], plain.weights()[0]);
      }
  }
  std::filesystem::remove(path);
}

// A batch goes on from the states of the batch before, whatever ran in between.
BOOST_AUTO_TEST_CASE(what_runs_beside_training_leaves_it_the_states_of_its_layers) {
  const Tensor x = random_normal({8, 3, 2}, 0, 1, float32, 1);
  const Tensor y = random_normal({8, 1}, 0, 1, float32, 2);
  const auto made = [] {
    Sequential model({LSTM({.units = 2, .return_sequences = true, .stateful = true}),
                      Bidirectional(GRU({.units = 2, .stateful = true})), Dense({.units = 1})});
    model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
    set_seed(1);
    model.build({{4, 3, 2}});
    return model;
  };
  const auto fit = [&](Model& model, const std::function<void(Model&)>& act,
                       const ValidationData& held_out = {}) {
    const History history = model.fit(x, y,
                                      {.batch_size = 4,
                                       .epochs = 3,
                                       .callbacks = {Everywhere(act)},
                                       .validation_data = held_out,
                                       .shuffle = false,
                                       .verbose = 0});
    return history["loss"];
  };
  const auto nothing = [](Model&) {};
  Sequential plain = made();
  const std::vector<double> expected = fit(plain, nothing);
  BOOST_TEST(expected[0] != expected[1]);  // the states matter
  const Tensor after = plain.predict(slice(x, 0, 0, 4));

  Sequential validated = made();
  BOOST_TEST(fit(validated, nothing, {.x = x, .y = y}) == expected);
  const double fresh = made().evaluate(x, y, {.batch_size = 4})["loss"];
  const History history = validated.history();
  for (const double value : history["val_loss"]) BOOST_TEST(value == fresh);

  const struct {
    const char* what;
    std::function<void(Model&)> act;
  } cases[] = {
      {"evaluate", [&](Model& m) { m.evaluate(x, y, {.batch_size = 4}); }},
      {"predict for other batches", [&](Model& m) { m.predict(slice(x, 0, 0, 1)); }},
      {"fit", [&](Model& m) { m.fit(x, y, {.batch_size = 2, .verbose = 0}); }},
      {"build",
       [&](Model& m) {
         m.build({{1, 3, 2}});
       }},
      {"save", [&](Model& m) { m.save("callback_test.safetensors"); }},
      {"save and load",
       [&](Model& m) {
         m.save("callback_test.safetensors");
         m.load("callback_test.safetensors");
       }},
      {"load_weights",
       [&](Model& m) {
         m.save_weights("callback_test.safetensors");
         m.load_weights("callback_test.safetensors");
       }},
      {"an exception",
       [&](Model& m) { error_of([&] { m.evaluate(x, slice(y, 0, 0, 2), {.batch_size = 4}); }); }},
      {"an exception later",
       [&](Model& m) {
         struct Ends : Callback {
           void on_predict_batch_end(int64_t) override { throw Error("enough"); }
         };
         error_of([&] { m.predict(x, {.batch_size = 2, .callbacks = {Ends()}}); });
       }},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.what) {
      Sequential model = made();
      BOOST_TEST(fit(model, c.act) == expected, boost::test_tools::per_element());
      BOOST_TEST(model.predict(slice(x, 0, 0, 4)).to_vector() == after.to_vector(),
                 boost::test_tools::per_element());
    }
  std::filesystem::remove("callback_test.safetensors");
}

// What a callback changes is what the fit that runs goes on with.
BOOST_AUTO_TEST_CASE(a_fit_goes_on_from_what_a_callback_loads_or_adds) {
  const std::string path = "callback_test.safetensors";
  const auto fit = [&](Model& model, int from, int to, std::vector<CallbackHandle> callbacks = {}) {
    FitOptions options = options_with(std::move(callbacks), to);
    options.initial_epoch = from;
    return model.fit(data_x(), data_y(), options)["loss"];
  };
  const auto at_end = [](int when, const std::function<void()>& act) {
    struct AtEnd : Callback {
      AtEnd(int e, std::function<void()> f) : last(e), run(std::move(f)) {}
      void on_epoch_end(int epoch, const Logs&) override {
        if (epoch == last) run();
      }
      int last;
      std::function<void()> run;
    };
    return std::make_shared<AtEnd>(when, act);
  };
  const struct {
    const char* what;
    std::function<void(Sequential&)> first, second;  // at the end of epochs 1 and 2
  } cases[] = {
      {"the whole state", [&](Sequential& m) { m.save(path); },
       [&](Sequential& m) { m.load(path); }},
      {"the weights alone", [&](Sequential& m) { m.save_weights(path); },
       [&](Sequential& m) { m.load_weights(path); }},
      {"the weights of a whole state", [&](Sequential& m) { m.save(path); },
       [&](Sequential& m) { m.load_weights(path); }},
      {"another rate", [](Sequential& m) { m.optimizer().set_learning_rate(0.01); },
       [](Sequential& m) { m.optimizer().set_learning_rate(1); }},
      {"a layer more",
       [](Sequential& m) { m.add(Dense({.units = 1, .kernel_initializer = "ones"})); },
       [](Sequential&) {}},
      {"a frozen one",
       [](Sequential& m) {
         m.add(Dense({.units = 1, .kernel_initializer = "ones", .trainable = false}));
       },
       [](Sequential& m) { m.layers()[1].set_trainable(true); }},
      {"an update on the way", [](Sequential& m) { m.train_on_batch(data_x(), data_y()); },
       [](Sequential& m) { m.fit(some_batches(), {.verbose = 0}); }},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.what) {
      Sequential by_hand = compiled(), model = compiled();
      std::vector<double> expected = fit(by_hand, 0, 1);
      c.first(by_hand);
      expected.push_back(fit(by_hand, 1, 2)[0]);
      c.second(by_hand);
      for (const double loss : fit(by_hand, 2, 4)) expected.push_back(loss);
      BOOST_TEST(fit(model, 0, 4,
                     {at_end(0, [&] { c.first(model); }), at_end(1, [&] { c.second(model); })}) ==
                     expected,
                 boost::test_tools::per_element());
      BOOST_TEST(model.epoch() == 4);
      BOOST_TEST(model.optimizer().iterations() == by_hand.optimizer().iterations());
      BOOST_REQUIRE(model.weights().size() == by_hand.weights().size());
      for (std::size_t i = 0; i < model.weights().size(); ++i) {
        const Tensor w = model.weights()[i];
        testing::check_same(w.path(), w, by_hand.weights()[i]);
        BOOST_TEST(w.element(0) != std::round(w.element(0)), w.path() << " is as it began");
      }
    }
  std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(a_fit_of_the_same_model_inside_leaves_the_outer_flag_and_record) {
  struct Inner : Callback {
    void on_epoch_end(int epoch, const Logs&) override {
      if (stops && epoch == 1) model().stop_training();
      const History inner =
          model().fit(data_x(), data_y(), {.epochs = 3, .callbacks = {Stop()}, .verbose = 0});
      BOOST_TEST(inner.epochs().size() == 1u);
    }
    struct Stop : Callback {
      void on_epoch_end(int, const Logs&) override { model().stop_training(); }
    };
    bool stops = false;
  };
  for (const bool stops : {false, true}) {
    Inner inner;
    inner.stops = stops;
    Sequential model = compiled();
    const History history = model.fit(data_x(), data_y(), options_with({inner}, 4));
    BOOST_TEST(history.epochs().size() == (stops ? 2u : 4u));
    BOOST_TEST(text_of(model.history()) == text_of(history));
  }
}

BOOST_AUTO_TEST_CASE(an_epoch_that_was_not_begun_is_not_recorded) {
  for (const int at : {0, 2}) BOOST_TEST_CONTEXT(at) {
      Sequential model = compiled();
      const LambdaCallback stop({.on_epoch_begin = [&](int epoch) {
        if (epoch == at) model.stop_training();
      }});
      const History history = model.fit(data_x(), data_y(), options_with({stop}, 4));
      BOOST_TEST(history.epochs().size() == static_cast<std::size_t>(at));
      BOOST_TEST(model.epoch() == at);
      for (const std::string& name : history.names())
        BOOST_TEST(history[name].size() == static_cast<std::size_t>(at));
    }
}

// A fit that another thread begins during this one is refused, and works afterwards.
BOOST_AUTO_TEST_CASE(a_model_is_trained_in_one_thread_at_a_time) {
  Sequential model = compiled();
  model.fit(data_x(), data_y(), {.verbose = 0});
  const std::string file = testing::in_folder("threads.safetensors"),
                    weights = testing::in_folder("threads_weights.safetensors");
  model.save(file);
  model.save_weights(weights);
  const std::map<std::string, std::function<void()>> calls = {
      {"fit", [&] { model.fit(data_x(), data_y(), {.verbose = 0}); }},
      {"compile", [&] { model.compile({.optimizer = SGD(), .loss = "mse", .metrics = {"mae"}}); }},
      {"evaluate", [&] { model.evaluate(data_x(), data_y()); }},
      {"predict", [&] { model.predict(data_x()); }},
      {"train_on_batch", [&] { model.train_on_batch(data_x(), data_y()); }},
      {"test_on_batch", [&] { model.test_on_batch(data_x(), data_y()); }},
      {"load", [&] { model.load(file); }},
      {"load_weights", [&] { model.load_weights(weights); }},
  };
  for (const auto& [name, call] : calls) BOOST_TEST_CONTEXT(name) {
      std::string text;
      const Everywhere other(
          [&, &call = call](Model&) { std::thread([&] { text = error_of(call); }).join(); });
      model.fit(data_x(), data_y(), options_with({other}));
      BOOST_TEST(
          text ==
          "Sequential." + name +
              ": another thread is training this model, or changing it.\n  Train one model "
              "in one thread at a time, and use it elsewhere before or after that; copies of "
              "a Model are the same model.");
      std::thread([&, &call = call] { text = error_of(call); }).join();
      BOOST_TEST(text.find("another thread") == text.npos, text);
    }
}

BOOST_AUTO_TEST_CASE(threads_evaluate_one_model_at_once) {
  Sequential model = compiled();
  const Logs expected = model.evaluate(data_x(), data_y(), {.batch_size = 5});
  std::vector<std::thread> threads;
  std::vector<int> wrong(3);
  for (int& count : wrong)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const Logs found = model.evaluate(data_x(), data_y(), {.batch_size = 5});
        count += found["mae"] != expected["mae"] || found["loss"] != expected["loss"];
      }
    });
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(wrong == std::vector<int>(3), boost::test_tools::per_element());
}

// --- The end of fit -----------------------------------------------------------------------------

namespace {

struct Interruption {};

// Gives val_loss the wanted values, epoch by epoch: one weight, squared.
struct Scripted : Callback {
  Scripted(const Tensor& weight, std::vector<double> values)
      : w(weight), val_loss(std::move(values)) {}
  void on_epoch_begin(int e) override {
    epoch = static_cast<std::size_t>(e);
    assign(w, ones({1, 1}));
    if (epoch == val_loss.size()) throw Interruption{};
  }
  void on_test_begin() override { assign(w, full({1, 1}, std::sqrt(val_loss[epoch]))); }
  Tensor w;
  std::vector<double> val_loss;
  std::size_t epoch = 0;
};

struct WatchCase {
  const char* what;
  EarlyStoppingOptions options;
  std::vector<double> values;  // of val_loss
  std::size_t epochs;          // that are run
  int best_epoch;
  double weight;  // squared, at the end; -1: none was the best
};

const WatchCase watch_cases[] = {
    {"NaN first", {.patience = 1}, {not_a_number, 3, 2, 1}, 4, 3, 1},
    {"NaN first, larger is better",
     {.patience = 1, .mode = "max"},
     {not_a_number, 1, 2, 3},
     4,
     3,
     3},
    {"NaN between", {.patience = 2}, {3, not_a_number, 2, not_a_number, 1}, 5, 4, 1},
    {"NaN counts as no improvement", {.patience = 2}, {3, not_a_number, not_a_number, 1}, 3, 0, 3},
    {"NaN alone",
     {.patience = 2},
     {not_a_number, not_a_number, not_a_number, not_a_number},
     2,
     0,
     -1},
    {"NaN with a baseline",
     {.patience = 3, .baseline = 2},
     {not_a_number, not_a_number, 1, 4, 4, 4},
     6,
     2,
     1},
    {"NaN with min_delta", {.min_delta = 0.5, .patience = 2}, {not_a_number, 3, 2.8, 2}, 4, 3, 2},
    {"NaN before and at start_from_epoch",
     {.patience = 2, .start_from_epoch = 2},
     {not_a_number, 1, not_a_number, 2},
     4,
     3,
     2},
    {"infinity is the worst", {.patience = 2}, {infinite, infinite, 4, 3}, 2, 0, -1},
    {"a number is better than infinity", {.patience = 2}, {infinite, 4, infinite, 3}, 4, 3, 3},
    {"infinity may be the best", {.patience = 1, .mode = "max"}, {1, infinite, 2}, 3, 1, infinite},
};

}  // namespace

BOOST_AUTO_TEST_CASE(nan_is_never_the_best_value) {
  for (const WatchCase& c : watch_cases) BOOST_TEST_CONTEXT(c.what) {
      Sequential model({Dense({.units = 1, .use_bias = false})});
      model.build({{-1, 1}});
      model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
      EarlyStoppingOptions options = c.options;
      options.restore_best_weights = true;
      const EarlyStopping stop(options);
      const History history =
          model.fit(ones({2, 1}), zeros({2, 1}),
                    {.epochs = static_cast<int>(c.values.size()),
                     .callbacks = {Scripted(model.weights()[0], c.values), stop},
                     .validation_data = {.x = ones({1, 1}), .y = zeros({1, 1})},
                     .verbose = 0});
      BOOST_TEST(history.epochs().size() == c.epochs);
      BOOST_TEST(stop.best_epoch() == c.best_epoch);
      if (c.weight < 0) {
        BOOST_TEST(
            error_of([&] { stop.best(); }) ==
            "EarlyStopping: there is no best value; no epoch has ended yet with a value that "
            "is a number.");
        continue;
      }
      BOOST_TEST(stop.best() == c.weight, boost::test_tools::tolerance(1e-6));
      BOOST_TEST(std::pow(model.weights()[0].item(), 2) == c.weight,
                 boost::test_tools::tolerance(1e-6));
    }
}

BOOST_AUTO_TEST_CASE(options_of_early_stopping_have_ranges) {
  const auto refused = [](const EarlyStoppingOptions& o) {
    return error_of([&] { EarlyStopping stop(o); });
  };
  BOOST_TEST(refused({.patience = -1}) == "EarlyStopping: patience is -1; it must be at least 0.");
  BOOST_TEST(refused({.start_from_epoch = -2}) ==
             "EarlyStopping: start_from_epoch is -2; it must be at least 0.");
  for (const double delta : {-0.5, not_a_number, infinite})
    BOOST_TEST(refused({.min_delta = delta}).ends_with("; it must be a number of at least 0."));
  BOOST_TEST(refused({.baseline = not_a_number}) ==
             "EarlyStopping: baseline is NaN; it must be a number.");
}

BOOST_AUTO_TEST_CASE(an_exception_loses_neither_the_best_weights_nor_the_record) {
  Sequential model({Dense({.units = 1, .use_bias = false})});
  model.build({{-1, 1}});
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  BOOST_TEST(model.history().names().empty());
  const EarlyStopping stop({.patience = 9, .restore_best_weights = true});
  const FitOptions options{.epochs = 9,
                           .callbacks = {stop, Scripted(model.weights()[0], {4, 1, 9})},
                           .validation_data = {.x = ones({1, 1}), .y = zeros({1, 1})},
                           .verbose = 0};
  for (int i = 0; i < 2; ++i) {
    BOOST_CHECK_THROW(model.fit(ones({2, 1}), zeros({2, 1}), options), Interruption);
    BOOST_TEST(model.weights()[0].item() == 1);
    BOOST_TEST(stop.best_epoch() == 1);
    BOOST_TEST(model.history()["val_loss"] == (std::vector<double>{4, 1, 9}),
               boost::test_tools::per_element());
  }
  BOOST_TEST(model.history().params().epochs == 9);
  assign(model.weights()[0], full({1, 1}, 3));
  model.evaluate(ones({1, 1}), zeros({1, 1}), {.callbacks = {stop}});
  BOOST_TEST(model.weights()[0].item() == 3);  // restored weights are not restored again
}

BOOST_AUTO_TEST_CASE(an_update_that_is_refused_is_named_with_its_batch) {
  Sequential model({Dense({.units = 1, .use_bias = false, .kernel_initializer = "zeros"})});
  model.compile({.optimizer = SGD({.learning_rate = 1e10}),
                 .loss = [](const Tensor&, const Tensor& p) { return mean(p * 1e35, -1); }});
  const std::string text = error_of([&] { model.fit(ones({2, 1}), ones({2, 1}), {.verbose = 0}); });
  BOOST_TEST(text.starts_with("Sequential.fit, epoch 1, batch 1: "), text);
  BOOST_TEST(text.find("dense/kernel") != std::string::npos, text);
  BOOST_TEST(model.weights()[0].item() == 0);
}

// --- What a gradient reaches --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_loss_without_a_gradient_is_an_error) {
  const std::function<Tensor(const Tensor&, const Tensor&)> losses[] = {
      [](const Tensor& t, const Tensor& p) {
        return abs(cast(argmax(p, -1), float32) - squeeze(t, 1));
      },
      [](const Tensor& t, const Tensor& p) { return cast(p > t, float32); },
      [](const Tensor& t, const Tensor& p) { return square(stop_gradient(p) - t); },
      [](const Tensor& t, const Tensor&) { return square(t); },
  };
  for (const auto& loss : losses) {
    Sequential model = compiled();
    model.build({{-1, 3}});
    model.compile({.optimizer = "sgd", .loss = loss});
    BOOST_TEST(error_of([&] { model.fit(data_x(), data_y(), {.verbose = 0}); }) ==
               "Sequential.fit: no gradient of the loss `" + model.loss().name() +
                   "` reaches any weight, so nothing can be learnt.\n"
                   "  Argmax, comparisons, casts to whole numbers and stop_gradient let none "
                   "through; the loss must follow y_pred smoothly.");
  }
}

BOOST_AUTO_TEST_CASE(a_weight_that_no_gradient_reaches_is_told_once) {
  for (const bool trainable : {true, false}) {
    const Layer used = Dense({.units = 1}),
                aside = Dense({.units = 2, .trainable = trainable, .name = "aside"});
    Model model({used, aside}, [=](const Tensors& in) {
      return used(in[0]) + sum(stop_gradient(aside(in[0])), -1, true);
    });
    model.compile({.optimizer = "sgd", .loss = "mse"});
    const Printed warnings(std::cerr);
    for (int i = 0; i < 2; ++i) model.fit(data_x(), data_y(), {.batch_size = 4, .verbose = 0});
    BOOST_TEST(warnings.text() ==
               (trainable ? "tempo: Model.fit: no gradient reaches aside/kernel, aside/bias; the "
                            "loss does not depend on them.\n"
                          : ""));
  }
}

namespace {

struct ForgetfulOptions {
  int units = 2;
};
void describe(auto& option, ForgetfulOptions& o) { option("units", o.units, "Size."); }
struct Forgetful : LayerOf<ForgetfulOptions> {
  Forgetful(ForgetfulOptions o = {})
      : LayerOf(o), inner(GRU({.units = options.units, .name = "inner"})) {}
  void build(Weights& add, const Shape&) { scale = add("scale", {1}, ones()); }
  Tensor call(const Tensor& x, const CallOptions&) { return scale * inner(x); }
  Layer inner;
  Tensor scale;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_layer_that_is_used_and_not_held_is_named) {
  const Tensor x = random_normal({6, 4, 3}, 0, 1, float32, 1), y = ones({6, 1});
  for (const bool trainable : {true, false}) {
    const Layer lstm = LSTM({.units = 4}), head = Dense({.units = 1, .trainable = trainable});
    Model model({lstm}, [=](const Tensors& in) { return head(lstm(in[0])); });
    model.compile({.loss = "mse"});
    for (int i = 0; i < 2; ++i)
      BOOST_TEST(error_of([&] { model.fit(x, y, {.verbose = 0}); }) ==
                 (trainable ? "model: its function calls `dense`, which is not in the model's list "
                              "of layers, so it would be neither trained, saved nor counted.\n"
                              "  Put `dense` into the list, or give no list: Model(function) finds "
                              "its layers; or make it with .trainable = false, if it shall stay as "
                              "it is."
                            : "nothing was thrown"));
  }
  Sequential model({Layer(Forgetful())});
  model.compile({.loss = "mse"});
  const std::string text = error_of([&] { model.fit(x, ones({6, 2}), {.verbose = 0}); });
  BOOST_TEST(
      text.starts_with("Sequential.fit: the model uses `inner`, but none of its layers holds "
                       "inner/"),
      text);
  BOOST_TEST(text.ends_with("The layer that calls `inner` must add it in add_children(Children& "
                            "add); or make it with .trainable = false, if it shall stay as it is."),
             text);
}
