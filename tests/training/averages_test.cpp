// SPDX-License-Identifier: Apache-2.0
// Optimizers that average weights, accumulate gradients, scale the loss, and take a function as
// learning rate; all of it resumes from a file.
#define BOOST_TEST_MODULE averages
#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using testing::check_close;
using testing::check_same;
using testing::error_of;
using testing::in_folder;

namespace {

Tensor one_weight(double value = 1) {
  return parameter(tensor<double>({value}, {1}, float64), "w");
}
Tensor g(double value) { return tensor<double>({value}, {1}, float64); }

// The weight after each of these gradients.
std::vector<double> steps(Optimizer optimizer, const std::vector<double>& gradients) {
  const Tensor w = one_weight();
  std::vector<double> out;
  for (const double value : gradients) {
    optimizer.step({w}, {g(value)});
    out.push_back(w.item());
  }
  return out;
}

double average_of(const Optimizer& optimizer) {
  for (const auto& [name, value] : optimizer.state())
    if (name == "w/average") return value.item();
  return -1;
}

Sequential model_for(const Optimizer& optimizer) {
  set_seed(5);
  Sequential model({LSTM({.units = 3}), Dense({.units = 1})});
  model.compile({.optimizer = optimizer, .loss = "mse"});
  return model;
}

const Tensor x = random_normal({12, 4, 2}, 0, 1, float32, 1);
const Tensor y = random_normal({12, 1}, 0, 1, float32, 2);

}  // namespace

BOOST_AUTO_TEST_CASE(an_average_begins_as_the_weight_and_follows_it) {
  SGD optimizer({.learning_rate = 1, .use_ema = true, .ema_momentum = 0.75});
  const Tensor w = one_weight();
  double average = 0;
  for (int t = 0; t < 4; ++t) {
    optimizer.step({w}, {g(0.5)});
    average = t == 0 ? w.item() : 0.75 * average + 0.25 * w.item();
    BOOST_TEST(average_of(optimizer) == average);
  }
  BOOST_TEST(w.item() == -1);
  optimizer.use_averages({w});
  BOOST_TEST(w.item() == average);
  optimizer.step({w}, {g(0.5)});  // weight and average differ again
  BOOST_TEST(w.item() == average - 0.5);
  BOOST_TEST(average_of(optimizer) == 0.75 * average + 0.25 * (average - 0.5));
}

BOOST_AUTO_TEST_CASE(a_weight_becomes_its_average_every_so_many_updates) {
  // w: 0.5; then 0, which becomes its average 0.25; then -0.25 with average 0; then -0.75 with
  // average -0.375.
  const std::vector<double> expected{0.5, 0.25, -0.25, -0.375};
  BOOST_TEST(steps(SGD({.learning_rate = 1,
                        .use_ema = true,
                        .ema_momentum = 0.5,
                        .ema_overwrite_frequency = 2}),
                   {0.5, 0.5, 0.5, 0.5}) == expected,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(weights_and_averages_change_places) {
  SGD optimizer({.learning_rate = 1, .use_ema = true, .ema_momentum = 0.5});
  const Tensor w = one_weight();
  optimizer.step({w}, {g(0.5)});
  optimizer.step({w}, {g(0.5)});
  optimizer.swap_averages({w});
  BOOST_TEST(w.item() == 0.25);
  BOOST_TEST(optimizer.swapped_averages());
  BOOST_TEST(error_of([&] { optimizer.step({w}, {g(1)}); }) ==
             "sgd: step was called while the weights and their averages are swapped.\n"
             "  swap_averages(weights) puts them back.");
  SGD other({.learning_rate = 1, .use_ema = true, .ema_momentum = 0.5});
  other.restore(optimizer.state());
  BOOST_TEST(other.swapped_averages());
  optimizer.swap_averages({w});
  BOOST_TEST(w.item() == 0);
  optimizer.swap_averages({w});
  optimizer.use_averages({w});  // it is already the average
  BOOST_TEST(w.item() == 0.25);
  BOOST_TEST(average_of(optimizer) == 0.25);
  optimizer.step({w}, {g(0)});
}

BOOST_AUTO_TEST_CASE(several_steps_make_one_update_of_their_mean) {
  const std::vector<double> expected{1, 1, 1 - (0.5 + 1 + 3) / 3, 1 - 1.5, 1 - 1.5, 1 - 1.5 - 2};
  SGD optimizer({.learning_rate = 1, .gradient_accumulation_steps = 3});
  BOOST_TEST(steps(optimizer, {0.5, 1, 3, 2, 2, 2}) == expected, boost::test_tools::per_element());
  BOOST_TEST(optimizer.iterations() == 2);

  // Clipping and Adam see the mean once.
  const auto plain = steps(Adam({.clipvalue = 1}), {1.5, -2});
  const auto gathered =
      steps(Adam({.clipvalue = 1, .gradient_accumulation_steps = 2}), {3, 0, -3, -1});
  BOOST_TEST(gathered[1] == plain[0]);
  BOOST_TEST(gathered[3] == plain[1]);

  // A schedule counts the steps, as in Keras.
  SGD scheduled({.learning_rate = [](int64_t step) { return static_cast<double>(step); },
                 .gradient_accumulation_steps = 2});
  const std::vector<double> rates{1, 1 - 1, 0, 0 - 3};
  BOOST_TEST(steps(scheduled, {1, 1, 1, 1}) == rates, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_loss_is_scaled_and_its_gradients_are_not) {
  const Adam optimizer({.loss_scale_factor = 1024});
  BOOST_TEST(optimizer.scale_loss(scalar(0.5)).item() == 512);
  BOOST_TEST(Adam().scale_loss(scalar(0.5)).item() == 0.5);
  BOOST_TEST(steps(optimizer, {1024, 2048})[1] == steps(Adam(), {1, 2})[1]);
  const auto loss = [](const Optimizer& with) {
    return model_for(with).fit(x, y, {.epochs = 3, .seed = 1, .verbose = 0})["loss"];
  };
  BOOST_TEST(loss(Adam({.loss_scale_factor = 1024})) == loss(Adam()),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_function_is_a_learning_rate) {
  SGD optimizer({.learning_rate = [](int64_t step) { return step == 0 ? 0.5 : 0.25; }});
  BOOST_TEST(optimizer.learning_rate() == 0.5);
  BOOST_TEST(steps(optimizer, {1, 1})[1] == 0.25);
  BOOST_TEST(optimizer.learning_rate() == 0.25);
  double rate = 2;
  SGD of_nothing({.learning_rate = [&rate] { return rate; }});
  rate = 4;
  BOOST_TEST(of_nothing.learning_rate() == 4);
  BOOST_TEST(error_of([&] { optimizer.set_learning_rate(1); }) ==
             "sgd: its learning rate follows a function, so it cannot be set.\n  Give it a number, "
             ".learning_rate = 0.001, to set it on the way.");
  SGD negative({.learning_rate = [] { return -1.0; }});
  BOOST_TEST(error_of([&] { negative.step({one_weight()}, {g(1)}); }) ==
             "learning_rate: the function gave -1 for step 0; it must give a number of at least "
             "0.");
}

BOOST_AUTO_TEST_CASE(a_file_has_no_function_and_load_model_is_given_it) {
  const auto half = [](int64_t step) { return 0.01 / static_cast<double>(1 + step); };
  Sequential model = model_for(SGD({.learning_rate = half}));
  model.fit(x, y, {.epochs = 2, .seed = 1, .verbose = 0});
  const std::string path = in_folder("function.tempo");
  model.save(path);
  Sequential with = load_model(path, {.learning_rate = half}), without = load_model(path);
  const auto go_on = [](Sequential& m) {
    return m.fit(x, y, {.epochs = 4, .seed = 1, .initial_epoch = 2, .verbose = 0})["loss"];
  };
  BOOST_TEST(error_of([&] { go_on(without); }) ==
             "Sequential.fit: the model is not compiled: " + path +
                 " was saved with the function of its learning rate, which no file can hold.\n  "
                 "Give it: load_model(path, {.learning_rate = f}).");
  BOOST_TEST(go_on(with) == go_on(model), boost::test_tools::per_element());
  BOOST_TEST(error_of([&] { without.optimizer().learning_rate(); }) ==
             "learning_rate: it was a function of the program that saved it, which no file can "
             "hold.\n  Give it: load_model(path, {.learning_rate = f}), or make the optimizer with "
             ".learning_rate = f.");
}

BOOST_AUTO_TEST_CASE(training_goes_on_from_a_file_bit_by_bit) {
  const std::string path = in_folder("resumed.tempo");
  const std::pair<const char*, Optimizer> cases[] = {
      {"averages", Adam({.use_ema = true, .ema_momentum = 0.9})},
      {"overwritten", SGD({.momentum = 0.9, .use_ema = true, .ema_overwrite_frequency = 2})},
      {"accumulation", Adam({.gradient_accumulation_steps = 5})},
      {"all", Nadam({.use_ema = true, .loss_scale_factor = 8, .gradient_accumulation_steps = 2})},
  };
  for (const auto& [what, optimizer] : cases) BOOST_TEST_CONTEXT(what) {
      const FitOptions whole{
          .batch_size = 4, .epochs = 4, .callbacks = {}, .seed = 1, .verbose = 0};
      FitOptions saving = whole;
      saving.callbacks = {ModelCheckpoint({.filepath = path + "{epoch}"})};
      Sequential first = model_for(optimizer);
      first.fit(x, y, saving);

      // After 3 epochs of 3 batches, 4 of the 5 accumulated batches wait, or 1 of the 2.
      Sequential second = load_model(path + "3");
      BOOST_TEST(second.optimizer().text() == first.optimizer().text());
      FitOptions rest = whole;
      rest.initial_epoch = second.epoch();
      second.fit(x, y, rest);
      for (std::size_t i = 0; i < first.weights().size(); ++i)
        check_same("weight", second.weights()[i], first.weights()[i]);
      const auto a = first.optimizer().state(first.named_weights());
      const auto b = second.optimizer().state(second.named_weights());
      BOOST_REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i) check_same(a[i].first, b[i].second, a[i].second);
    }
}

BOOST_AUTO_TEST_CASE(fit_ends_with_the_averages) {
  Sequential model = model_for(SGD({.use_ema = true, .ema_momentum = 0.5}));
  model.fit(x, y, {.epochs = 3, .verbose = 0});
  std::size_t found = 0;
  const auto state = model.optimizer().state(model.named_weights());
  for (const auto& [path, w] : model.named_weights())
    for (const auto& [name, value] : state)
      if (name == path + "/average") {
        check_same(name, w, value);
        ++found;
      }
  BOOST_TEST(found == model.weights().size());
}

BOOST_AUTO_TEST_CASE(a_callback_shows_validation_the_averages) {
  struct Watch : Callback {
    std::vector<double> in_test, after;
    void on_test_begin() override { in_test.push_back(model().weights()[0].to_vector()[0]); }
    void on_epoch_end(int, const Logs&) override {
      after.push_back(model().weights()[0].to_vector()[0]);
    }
  };
  for (const bool on_epoch : {false, true}) BOOST_TEST_CONTEXT(on_epoch) {
      const auto watch = std::make_shared<Watch>();
      Sequential model =
          model_for(SGD({.learning_rate = 0.1, .use_ema = true, .ema_momentum = 0.5}));
      model.fit(x, y,
                {.epochs = 2,
                 .callbacks = {SwapEMAWeights({.swap_on_epoch = on_epoch}), watch},
                 .validation_data = {.x = x, .y = y},
                 .verbose = 0});
      BOOST_TEST(!model.optimizer().swapped_averages());
      // The first update's average is the weight itself; the second one's is not.
      BOOST_TEST(watch->in_test[0] == watch->after[0]);
      BOOST_TEST((watch->in_test[1] == watch->after[1]) == on_epoch);
      BOOST_TEST(watch->in_test[1] == model.weights()[0].to_vector()[0]);  // fit ends with it
    }
  Sequential model = model_for(SGD());
  BOOST_TEST(error_of([&] { model.evaluate(x, y, {.callbacks = {SwapEMAWeights()}}); }) ==
             "SwapEMAWeights: the optimizer keeps no averages.\n  Make it with .use_ema = true: "
             "Adam({.use_ema = true}).");
}

BOOST_AUTO_TEST_CASE(options_are_checked_written_and_read) {
  BOOST_TEST(error_of([] { SGD({.ema_overwrite_frequency = 3}); }) ==
             "sgd: ema_overwrite_frequency is 3, and there are no averages.\n  Set .use_ema = "
             "true, too.");
  BOOST_TEST(error_of([] { Adam({.use_ema = true, .ema_momentum = 1.5}); }) ==
             "adam: ema_momentum is 1.5; it must be a number of at least 0 and of at most 1.");
  BOOST_TEST(error_of([] { Adam({.gradient_accumulation_steps = -1}); }) ==
             "adam: gradient_accumulation_steps is -1; it must be a number of at least 0.");
  BOOST_TEST(error_of([] { SGD().use_averages({one_weight()}); }) ==
             "sgd: it keeps no averages.\n  Make it with .use_ema = true.");
  const std::string text =
      SGD({.use_ema = true, .loss_scale_factor = 2, .gradient_accumulation_steps = 4}).text();
  BOOST_TEST(text ==
             "sgd(learning_rate=0.01, momentum=0, nesterov=false, weight_decay=0, clipnorm=0, "
             "clipvalue=0, global_clipnorm=0, use_ema=true, ema_momentum=0.99, "
             "loss_scale_factor=2, gradient_accumulation_steps=4)");
  BOOST_TEST(Optimizer(text).text() == text);
  SGD two({.gradient_accumulation_steps = 2});
  BOOST_TEST(error_of([&] {
               two.restore({{"iterations", tensor<int64_t>({1}, {})},
                            {"accumulated", tensor<int64_t>({2}, {})}});
             }) == "sgd: accumulated is 2; it must be one int64 of at least 0 and below 2.");
  BOOST_TEST(error_of([&] {
               SGD().restore({{"w/average", zeros({1})}});
             }) ==
             "sgd: it cannot go on from `average` of w.\n  With its settings it keeps nothing of a "
             "weight; is this the state of another optimizer?");
}
