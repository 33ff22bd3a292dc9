// SPDX-License-Identifier: Apache-2.0
// Learning rates that follow a schedule.
#define BOOST_TEST_MODULE schedule
#include <tempo/layers.hpp>
#include <tempo/model.hpp>
#include <tempo/ops.hpp>

#include "files.hpp"

using namespace tempo;
using testing::error_of;
using testing::in_folder;

namespace {

struct Case {
  LearningRate rate;
  std::vector<std::pair<int64_t, double>> values;  // after this many updates
};

const double root = std::sqrt(2.0);

// Values from Keras's tests, and from the formulas by hand.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {0.25, {{0, 0.25}, {1000, 0.25}}},
      {ExponentialDecay({.initial_learning_rate = 0.05, .decay_steps = 10, .decay_rate = 0.96}),
       {{0, 0.05}, {5, 0.05 * std::sqrt(0.96)}, {20, 0.05 * 0.96 * 0.96}}},
      {ExponentialDecay(
           {.initial_learning_rate = 0.1, .decay_steps = 3, .decay_rate = 0.96, .staircase = true}),
       {{2, 0.1}, {3, 0.096}, {5, 0.096}, {6, 0.09216}}},
      {PiecewiseConstantDecay({.boundaries = {100, 110, 120}, .values = {1, 0.1, 0.01, 0.001}}),
       {{0, 1}, {100, 1}, {101, 0.1}, {110, 0.1}, {111, 0.01}, {120, 0.01}, {121, 0.001}}},
      {PolynomialDecay(
           {.initial_learning_rate = 0.05, .decay_steps = 10, .end_learning_rate = 0.001}),
       {{0, 0.05}, {5, 0.0255}, {10, 0.001}, {20, 0.001}}},
      {PolynomialDecay({.initial_learning_rate = 0.05, .decay_steps = 10, .power = 0.5}),
       {{5, 0.0499 * std::sqrt(0.5) + 0.0001}}},
      {PolynomialDecay({.initial_learning_rate = 0.05,
                        .decay_steps = 10,
                        .end_learning_rate = 0.001,
                        .cycle = true}),
       {{0, 0.05}, {10, 0.001}, {15, 0.049 * 0.25 + 0.001}, {20, 0.001}}},
      {InverseTimeDecay({.initial_learning_rate = 0.1, .decay_steps = 10, .decay_rate = 0.96}),
       {{0, 0.1}, {5, 0.1 / 1.48}, {20, 0.1 / 2.92}}},
      {InverseTimeDecay({.initial_learning_rate = 0.1,
                         .decay_steps = 10,
                         .decay_rate = 0.96,
                         .staircase = true}),
       {{9, 0.1}, {15, 0.1 / 1.96}}},
      {CosineDecay({.initial_learning_rate = 1, .decay_steps = 1000}),
       {{0, 1}, {250, 0.5 + root / 4}, {500, 0.5}, {1000, 0}, {2000, 0}}},
      {CosineDecay({.initial_learning_rate = 1, .decay_steps = 1000, .alpha = 0.1}),
       {{500, 0.55}, {1500, 0.1}}},
      {CosineDecay({.initial_learning_rate = 0.5,
                    .decay_steps = 100,
                    .warmup_target = 1,
                    .warmup_steps = 10}),
       {{0, 0.5}, {5, 0.75}, {10, 1}, {60, 0.5}, {110, 0}}},
      {CosineDecayRestarts({.initial_learning_rate = 1, .first_decay_steps = 100}),
       {{0, 1}, {50, 0.5}, {100, 1}, {200, 0.5}, {300, 1}, {500, 0.5}}},
      {CosineDecayRestarts({.initial_learning_rate = 1,
                            .first_decay_steps = 100,
                            .t_mul = 1,
                            .m_mul = 0.5,
                            .alpha = 0.1}),
       {{50, 0.55}, {150, 0.325}, {250, 0.2125}}},
      // Restarts at which the logarithm of a power is rounded to below the whole number.
      {CosineDecayRestarts({.initial_learning_rate = 1, .first_decay_steps = 10, .t_mul = 3}),
       {{130, 1}, {400, 1}, {805, 0.5}, {1210, 1}}},
      {CosineDecayRestarts({.initial_learning_rate = 1, .first_decay_steps = 10, .t_mul = 10}),
       {{60, 0.5}, {110, 1}, {1110, 1}}},
      {CosineDecayRestarts({.initial_learning_rate = 1, .first_decay_steps = 16, .t_mul = 1.5}),
       {{16, 1}, {40, 1}, {76, 1}, {130, 1}, {211, 1}}},
      {CosineDecayRestarts({.initial_learning_rate = 1, .first_decay_steps = 100, .t_mul = 1.1}),
       {{210, 1}, {331, 1}}},
  };
  return all;
}

struct Trained {
  Tensor x = cast(testing::normal({12, 3}, 1), float32);
  Tensor y = cast(testing::normal({12, 1}, 2), float32);
  void fit(Model& model, int from, int to) const {
    model.fit(x, y, {.batch_size = 4, .epochs = to, .initial_epoch = from, .verbose = 0});
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(schedules_give_the_numbers_of_keras) {
  for (const Case& c : cases())
    for (const auto& [step, value] : c.values)
      BOOST_TEST_CONTEXT(c.rate.text() << " after " << step)
  BOOST_TEST(std::abs(c.rate(step) - value) < 1e-12, c.rate(step) << " and not " << value);
}

BOOST_AUTO_TEST_CASE(a_schedule_is_written_as_a_text_and_read_back) {
  for (const Case& c : cases()) {
    const LearningRate again = LearningRate::from_text(c.rate.text());
    BOOST_TEST(again.text() == c.rate.text());
    for (const auto& [step, value] : c.values) BOOST_TEST(again(step) == c.rate(step));
    const Optimizer optimizer = Adam({.learning_rate = c.rate, .beta_1 = 0.8, .clipnorm = 1});
    BOOST_TEST(Optimizer(optimizer.text()).text() == optimizer.text());
    BOOST_TEST(Optimizer(optimizer.text()).learning_rate() == c.rate(0));
  }
  BOOST_TEST(cases()[3].rate.text() ==
             "piecewise_constant_decay(boundaries=[100, 110, 120], values=[1, 0.1, 0.01, 0.001])");
  BOOST_TEST(LearningRate::from_text("PiecewiseConstantDecay(boundaries=[], values=[ 2 ])")(5) ==
             2);
  BOOST_TEST(cases()[9].rate.text() ==
             "cosine_decay(initial_learning_rate=1, decay_steps=1000, alpha=0, warmup_steps=0)");
}

BOOST_AUTO_TEST_CASE(an_optimizer_follows_its_schedule) {
  for (const double decay : {0.0, 0.5}) {
    const Tensor w = parameter(full({2}, 1, float64));
    SGD optimizer({.learning_rate =
                       PiecewiseConstantDecay({.boundaries = {0, 1}, .values = {0.5, 0.25, 0.125}}),
                   .weight_decay = decay});
    double plain = 1;
    for (const double rate : {0.5, 0.25, 0.125, 0.125}) {
      BOOST_TEST(optimizer.learning_rate() == rate);
      optimizer.step({w}, {full({2}, 1, float64)});
      plain = plain - plain * decay * rate - rate;
      BOOST_TEST(w.element(0) == plain);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_model_goes_on_where_its_schedule_stood) {
  const Trained data;
  const std::string path = in_folder("schedule.safetensors");
  const auto made = [] {
    Sequential model({Dense({.units = 1})});
    model.compile({.optimizer = Adam({.learning_rate = CosineDecay(
                                          {.initial_learning_rate = 0.1, .decay_steps = 15})}),
                   .loss = "mse"});
    return model;
  };
  set_seed(4);
  Sequential straight = made();
  data.fit(straight, 0, 2);
  straight.save(path);
  data.fit(straight, 2, 4);
  Sequential loaded = load_model(path), other = made();
  other.load(path);
  for (Sequential* model : {&loaded, &other}) {
    BOOST_TEST(model->optimizer().learning_rate() ==
               0.05 * (1 + std::cos(std::acos(-1.0) * 6 / 15)));
    data.fit(*model, 2, 4);
    for (std::size_t i = 0; i < straight.weights().size(); ++i)
      testing::check_same("weight", model->weights()[i], straight.weights()[i]);
  }
}

BOOST_AUTO_TEST_CASE(errors_of_schedules_say_what_is_wrong) {
  const std::pair<std::string, std::function<void()>> errors[] = {
      {"exponential_decay: initial_learning_rate was not given; it must be a number of at least 0.",
       [] { ExponentialDecay({.decay_steps = 10, .decay_rate = 0.5}); }},
      {"cosine_decay: decay_steps is 0.5; it must be a number of at least 1.",
       [] { CosineDecay({.initial_learning_rate = 1, .decay_steps = 0.5}); }},
      {"cosine_decay: warmup_target is -1; it must be a number of at least 0.",
       [] { CosineDecay({.initial_learning_rate = 1, .decay_steps = 5, .warmup_target = -1}); }},
      {"cosine_decay: warmup_steps is 10, and there is no warmup_target, which it rises to.",
       [] { CosineDecay({.initial_learning_rate = 1, .decay_steps = 5, .warmup_steps = 10}); }},
      {"piecewise_constant_decay: it has 2 boundaries and 2 values; there must be one value more "
       "than boundaries.",
       [] {
         PiecewiseConstantDecay({.boundaries = {1, 2}, .values = {1, 2}});
       }},
      {"piecewise_constant_decay: its boundaries must rise, and 2 does not.",
       [] {
         PiecewiseConstantDecay({.boundaries = {2, 2}, .values = {1, 2, 3}});
       }},
      {"piecewise_constant_decay: a value is -1; it must be a number of at least 0.",
       [] { PiecewiseConstantDecay({.boundaries = {}, .values = {-1}}); }},
      {"learning_rate `cosine_decai(decay_steps=3)`: there is none by that name; did you mean "
       "`cosine_decay`?",
       [] { Optimizer("adam(learning_rate=cosine_decai(decay_steps=3))"); }},
      {"learning_rate `cosine_decay(steps=3)`: it has no option `steps`",
       [] { Optimizer("adam(learning_rate=cosine_decay(steps=3))"); }},
      {"given as boundaries is not a list of numbers, [1, 2.5]",
       [] { LearningRate::from_text("piecewise_constant_decay(boundaries=x, values=[1])"); }},
      {"`x` in the list given as values is not a number",
       [] { LearningRate::from_text("piecewise_constant_decay(boundaries=[1], values=[1, x])"); }},
      {"adam: its learning rate follows cosine_decay(initial_learning_rate=1, decay_steps=5, "
       "alpha=0, warmup_steps=0), so it cannot be set.",
       [] {
         Adam({.learning_rate = CosineDecay({.initial_learning_rate = 1, .decay_steps = 5})})
             .set_learning_rate(1);
       }},
  };
  for (const auto& [text, f] : errors)
    BOOST_TEST(error_of(f).find(text) != std::string::npos, error_of(f));
}
