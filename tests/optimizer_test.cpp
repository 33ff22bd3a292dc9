// Optimizers against their formulas, worked out with plain numbers.
#define BOOST_TEST_MODULE optimizer
#include "testing.hpp"

#include <tempo/gradient.hpp>
#include <tempo/optimizer.hpp>

using namespace tempo;
using testing::error_of;

namespace {

const double gradients[] = {0.5, -2, 1e-3, 0.25, 3};  // of the five steps of each case

struct Scalar {  // the numbers that a formula keeps
  double w = 1.5, a = 0, b = 0, c = 0;
};

struct RuleCase {
  const char* optimizer;
  void (*step)(Scalar& s, double g, double t);
};

const RuleCase rule_cases[] = {
    {"sgd(learning_rate=0.1)", [](Scalar& s, double g, double) { s.w -= 0.1 * g; }},
    {"sgd(learning_rate=0.1, momentum=0.9)",
     [](Scalar& s, double g, double) { s.w += s.a = 0.9 * s.a - 0.1 * g; }},
    {"sgd(learning_rate=0.1, momentum=0.9, nesterov=true)",
     [](Scalar& s, double g, double) {
       s.a = 0.9 * s.a - 0.1 * g;
       s.w += 0.9 * s.a - 0.1 * g;
     }},
    {"rmsprop(learning_rate=0.1, rho=0.8, epsilon=1e-3)",
     [](Scalar& s, double g, double) {
       s.a = 0.8 * s.a + 0.2 * g * g;
       s.w -= 0.1 * g / std::sqrt(s.a + 1e-3);
     }},
    {"rmsprop(learning_rate=0.1, momentum=0.7, centered=true, epsilon=1e-3)",
     [](Scalar& s, double g, double) {
       s.a = 0.9 * s.a + 0.1 * g * g;
       s.b = 0.9 * s.b + 0.1 * g;
       s.c = 0.7 * s.c + 0.1 * g / std::sqrt(s.a - s.b * s.b + 1e-3);
       s.w -= s.c;
     }},
    {"adam(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3)",
     [](Scalar& s, double g, double t) {
       s.a += (g - s.a) * 0.2;
       s.b += (g * g - s.b) * 0.05;
       s.w -= 0.1 * std::sqrt(1 - std::pow(0.95, t)) / (1 - std::pow(0.8, t)) * s.a /
              (std::sqrt(s.b) + 1e-3);
     }},
    {"adam(learning_rate=0.1, beta_1=0.8, beta_2=0.5, amsgrad=true)",
     [](Scalar& s, double g, double t) {
       s.a += (g - s.a) * 0.2;
       s.b += (g * g - s.b) * 0.5;
       s.c = std::max(s.c, s.b);
       s.w -= 0.1 * std::sqrt(1 - std::pow(0.5, t)) / (1 - std::pow(0.8, t)) * s.a /
              (std::sqrt(s.c) + 1e-7);
     }},
    {"sgd(learning_rate=0.1, weight_decay=0.25)",
     [](Scalar& s, double g, double) { s.w = s.w - s.w * 0.25 * 0.1 - 0.1 * g; }},
    {"sgd(learning_rate=0.1, clipvalue=0.4)",
     [](Scalar& s, double g, double) { s.w -= 0.1 * std::min(0.4, std::max(-0.4, g)); }},
    {"sgd(learning_rate=0.1, clipnorm=0.4)",
     [](Scalar& s, double g, double) { s.w -= 0.1 * g * 0.4 / std::max(std::abs(g), 0.4); }},
};

Tensor weight(double value, const char* path = "", DType dtype = float64) {
  return parameter(full({2}, value, dtype), path);
}

}  // namespace

BOOST_AUTO_TEST_CASE(optimizers_follow_their_formulas) {
  for (const RuleCase& c : rule_cases)
    for (const DType dtype : {float32, float64}) {
      Optimizer optimizer = c.optimizer;
      const Tensor w = parameter(full({1}, 1.5, dtype), "w");
      Scalar plain;
      double t = 0;
      for (const double g : gradients) {
        optimizer.step({w}, {full({1}, g, dtype)});
        c.step(plain, g, ++t);
      }
      testing::check_close(c.optimizer, w, full({1}, plain.w, dtype),
                           dtype == float32 ? 1e-5 : 1e-13);
      BOOST_TEST(optimizer.iterations() == 5);
    }
}

BOOST_AUTO_TEST_CASE(the_defaults_are_those_of_keras) {
  BOOST_TEST(SGD().text() ==
             "sgd(learning_rate=0.01, momentum=0, nesterov=false, weight_decay=0, clipnorm=0, "
             "clipvalue=0, "
             "global_clipnorm=0)");
  BOOST_TEST(RMSprop().text() ==
             "rmsprop(learning_rate=0.001, rho=0.9, momentum=0, epsilon=1e-07, centered=false, "
             "weight_decay=0, "
             "clipnorm=0, clipvalue=0, global_clipnorm=0)");
  BOOST_TEST(Adam().text() ==
             "adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=false, "
             "weight_decay=0, "
             "clipnorm=0, clipvalue=0, global_clipnorm=0)");
  const Optimizer changed = Adam({.learning_rate = 0.1, .amsgrad = true, .global_clipnorm = 2});
  BOOST_TEST(Optimizer(changed.text()).text() == changed.text());
  BOOST_TEST(Optimizer("RMSprop").name() == "rmsprop");
}

BOOST_AUTO_TEST_CASE(clips_bound_each_gradient_or_all_together) {
  const Tensor a = tensor<double>({50, 100}, {2}), b = tensor<double>({100, 100}, {2});
  const auto check = [](const char* what, const Tensor& got, const std::vector<double>& expected) {
    testing::check_close(what, got, tensor(expected, {2}), 1e-12);
  };
  check("clipnorm", SGD({.clipnorm = 1}).clipped({b})[0], {std::sqrt(0.5), std::sqrt(0.5)});
  check("clipnorm, within", SGD({.clipnorm = 1000}).clipped({b})[0], {100, 100});
  check("clipvalue", SGD({.clipvalue = 60}).clipped({a})[0], {50, 60});
  check("global_clipnorm", SGD({.global_clipnorm = 1}).clipped({a})[0],
        {std::sqrt(0.2), std::sqrt(0.8)});
  const Tensors both = SGD({.global_clipnorm = 1}).clipped({a, b});
  const double all = std::sqrt(2500.0 + 3 * 10000);
  check("global_clipnorm of two", both[0], {50 / all, 100 / all});
  check("global_clipnorm of two", both[1], {100 / all, 100 / all});
  check("global_clipnorm, zero", SGD({.global_clipnorm = 1}).clipped({0 * a})[0], {0, 0});
}

BOOST_AUTO_TEST_CASE(weights_can_be_left_out_of_decay) {
  const Tensor a = weight(2, "lstm/kernel"), b = weight(2, "lstm/bias"),
               c = weight(2, "dense/kernel");
  RMSprop optimizer({.learning_rate = 1, .weight_decay = 0.004});
  optimizer.exclude_from_weight_decay({"bias"});
  optimizer.exclude_from_weight_decay(Tensors{c});
  const Tensor zero = full({2}, 0, float64);
  for (int i = 0; i < 3; ++i) optimizer.step({a, b, c}, {zero, zero, zero});
  BOOST_TEST(a.element(0) == 1.9760959, boost::test_tools::tolerance(1e-7));
  BOOST_TEST(b.element(0) == 2);
  BOOST_TEST(c.element(0) == 2);
  BOOST_TEST(error_of([&] { optimizer.exclude_from_weight_decay({"kernel"}); }) ==
             "rmsprop: exclude_from_weight_decay must come before the first step.");
}

BOOST_AUTO_TEST_CASE(the_learning_rate_can_change_on_the_way) {
  const Tensor w = weight(1);
  SGD optimizer({.learning_rate = 0.5});
  optimizer.step({w}, {full({2}, 1, float64)});
  optimizer.set_learning_rate(0.25);
  BOOST_TEST(optimizer.learning_rate() == 0.25);
  optimizer.step({w}, {full({2}, 1, float64)});
  BOOST_TEST(w.element(0) == 0.25);
  const Optimizer copy = optimizer;  // the same optimizer
  BOOST_TEST(copy.iterations() == 2);
  BOOST_TEST(error_of([&] { optimizer.set_learning_rate(-1); }) ==
             "sgd: learning_rate is -1; it must be a number of at least 0.");
  BOOST_TEST(optimizer.learning_rate() == 0.25);
}

// Updates run in place, but only where nobody else would see it.
BOOST_AUTO_TEST_CASE(what_shares_bytes_with_a_weight_stays_as_it_was) {
  for (const char* text : {"sgd", "sgd(momentum=0.9, nesterov=true)", "rmsprop(momentum=0.5)",
                           "adam", "adam(amsgrad=true, weight_decay=0.1)"}) {
    const Tensor first = testing::normal({3, 40}, 1), g = testing::normal({3, 40}, 2);
    const Tensor w = parameter(first), watched = parameter(first);
    Optimizer optimizer = text, watching = text;
    std::vector<std::vector<double>> seen;
    Tensors held;
    for (int i = 0; i < 4; ++i) {
      optimizer.step({w}, {g});
      watching.step({watched}, {g});
      testing::check_same(text, watched, w);
      held.push_back(reshape(watched, {120}));
      for (const auto& [name, value] : watching.state()) held.push_back(value);
      while (seen.size() < held.size()) seen.push_back(held[seen.size()].to_vector());
    }
    for (std::size_t i = 0; i < held.size(); ++i) BOOST_TEST(held[i].to_vector() == seen[i]);
    testing::check_same("what the weight was made of", first, testing::normal({3, 40}, 1));
  }
}

BOOST_AUTO_TEST_CASE(what_an_optimizer_remembers_can_be_carried_over) {
  for (const char* text :
       {"sgd(momentum=0.9)", "rmsprop(momentum=0.5, centered=true)", "adam(amsgrad=true)"}) {
    const Tensor straight_a = weight(1, "a/kernel"), straight_b = weight(2);
    const Tensor a = weight(1, "a/kernel"), b = weight(2);
    Optimizer straight = text, first = text, second = text;
    const auto run = [](Optimizer& o, const Tensor& x, const Tensor& y, int steps) {
      for (int i = 0; i < steps; ++i) o.step({x, y}, {x * 0.3 + 1, y * y});
    };
    run(straight, straight_a, straight_b, 7);
    run(first, a, b, 3);
    second.restore(first.state());
    BOOST_TEST(second.iterations() == 3);
    BOOST_TEST(second.state().size() == first.state().size());
    run(second, a, b, 4);
    testing::check_same(text, a, straight_a);
    testing::check_same(text, b, straight_b);
  }
  Adam adam;
  const Tensor w = weight(1, "lstm/kernel");
  adam.step({w}, {full({2}, 1, float64)});
  std::string names;
  for (const auto& [name, value] : adam.state())
    names += name + " " + to_string(value.shape(), value.dtype()) + "\n";
  BOOST_TEST(names ==
             "iterations [] int64\nlstm/kernel/m [2] float64\nlstm/kernel/v [2] float64\n");

  Adam other;
  other.restore({{"lstm/kernel/m", zeros({3}, float64)}});
  BOOST_TEST(error_of<ShapeError>([&] { other.step({w}, {full({2}, 1, float64)}); }) ==
             "adam: what it remembered does not fit the weight\n"
             "  lstm/kernel/m  [3] float64\n"
             "  lstm/kernel  [2] float64");
}

BOOST_AUTO_TEST_CASE(a_loop_of_ones_own_learns) {
  set_seed(3);
  const Tensor x = randn({64, 3}), truth = tensor<double>({1, -2, 3}, {3, 1});
  const Tensor y = matmul(x, cast(truth, float32));
  const Tensor w = parameter(zeros({3, 1}), "w");
  Adam adam({.learning_rate = 0.1, .clipnorm = 1.0});
  for (int i = 0; i < 300; ++i) {
    const Tensor loss = mean(square(matmul(x, w) - y));
    adam.step({w}, gradient(loss, Tensors{w}));
  }
  testing::check_close("w", w, cast(truth, float32), 1e-3);
}

BOOST_AUTO_TEST_CASE(errors_of_optimizers_say_what_is_wrong) {
  BOOST_TEST(error_of([] { Optimizer("adma"); }) ==
             "optimizer `adma`: there is none by that name; did you mean `adam`?\n  There are sgd, "
             "rmsprop, adam.");
  BOOST_TEST(error_of([] { Optimizer("AdamW(weight_decay=0.01)"); })
                 .starts_with("optimizer `AdamW(weight_decay=0.01)`: there is none by that name; "
                              "did you mean `adam`?"));
  BOOST_TEST(error_of([] { Optimizer("adam(lr=0.1)"); }) ==
             "optimizer `adam(lr=0.1)`: it has no option `lr`. It has "
             "learning_rate, beta_1, "
             "beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue, global_clipnorm.");
  BOOST_TEST(error_of([] { Optimizer("adam(0.1)"); }) ==
             "optimizer `adam(0.1)`: `0.1` is not of the form key=value.");
  BOOST_TEST(error_of([] { Optimizer("adam(=0.1)"); }) ==
             "optimizer `adam(=0.1)`: `0.1` is not of the form key=value.");
  BOOST_TEST(error_of([] { Optimizer("adam(epsilon=1"); }) ==
             "optimizer `adam(epsilon=1`: its parenthesis is not closed.");
  BOOST_TEST(error_of([] { Optimizer("adam(epsilon=1) and"); }) ==
             "optimizer `adam(epsilon=1) and`: `and` follows its parenthesis.");
  BOOST_TEST(error_of([] { Optimizer("adam)"); }) ==
             "optimizer `adam)`: its parenthesis is not opened.");
  BOOST_TEST(error_of([] { Optimizer("adam(,)"); }) ==
             "optimizer `adam(,)`: an argument is missing.");
  BOOST_TEST(error_of([] { Optimizer("adam(epsilon=1, epsilon=2)"); }) ==
             "optimizer `adam(epsilon=1, epsilon=2)`: `epsilon` is given twice.");
  BOOST_TEST(error_of([] { Optimizer("adam(amsgrad=maybe)"); }) ==
             "optimizer `adam(amsgrad=maybe)`: `maybe` given as amsgrad is not true or false.");
  BOOST_TEST(error_of([] { Optimizer("adam(amsgrad=True)"); }) == "nothing was thrown");
  BOOST_TEST(error_of([] { Optimizer("(epsilon=1)"); }) ==
             "optimizer `(epsilon=1)`: it has no name.");
  BOOST_TEST(
      error_of([] { Optimizer("adam(learning_rate=fast)"); }) ==
      "optimizer `adam(learning_rate=fast)`: `fast` given as learning_rate is not a number.");
  BOOST_TEST(
      error_of([] { Adam({.clipnorm = 1, .global_clipnorm = 2}); }) ==
      "adam: only one of clipnorm, clipvalue and global_clipnorm may be set, got clipnorm=1, "
      "global_clipnorm=2.");
  BOOST_TEST(error_of([] { SGD({.clipvalue = -1}); }) ==
             "sgd: clipvalue is -1; it must be a number of at least 0.");
  SGD sgd;
  const Tensor w = weight(1, "dense/kernel");
  BOOST_TEST(error_of([&] { sgd.step({w}, {}); }) ==
             "sgd: step was given 1 weights and 0 gradients.\n"
             "  It needs one gradient for each weight, in the same order.");
  BOOST_TEST(error_of<ShapeError>([&] { sgd.step({w}, {full({3}, 1, float64)}); }) ==
             "sgd: a gradient must have the shape of its weight\n"
             "  weight    [2] float64  dense/kernel\n"
             "  gradient  [3] float64");
  sgd.step({w}, {full({2}, 1, float64)});
  BOOST_TEST(error_of<ShapeError>([&] { sgd.step({w}, {full({2}, 1, float32)}); }) ==
             "sgd: a gradient must have the dtype of its weight\n"
             "  weight    [2] float64  dense/kernel\n"
             "  gradient  [2] float32");
  BOOST_TEST(error_of([&] { sgd.step({full({2}, 1, float64)}, {full({2}, 1, float64)}); }) ==
             "sgd: weight 0, [2] float64, is not a weight; make it with parameter(x).");
  BOOST_TEST(error_of([&] { sgd.step({w}, {Tensor{}}); }) ==
             "sgd: gradient 0 was never given a value (it is Tensor{}).");
  BOOST_TEST(error_of([] { Optimizer().iterations(); }) ==
             "Optimizer: this one was never given a value (it is Optimizer{}).");
}
